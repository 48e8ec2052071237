/** An engine in a dedicated worker, seen from the page: started, spoken to, and noticed when it dies. */
import type { FromEngine, ToEngine } from "../engine/messages.js";
import { KeyfoldError } from "../error.js";
import type { Port, StartEngine } from "../link.js";

/** How long a worker may take to end by itself. */
const END_MS = 2_000;

/** Starts engines in workers. */
export function inWorker(make: () => Worker): StartEngine {
  return (config, receive, died) =>
    new Promise<Port>((resolve, reject) => {
      if (globalThis.crypto?.subtle === undefined || navigator.locks === undefined) {
        reject(
          new KeyfoldError("NotSecure", "this page has no WebCrypto or no Web Locks", {
            hint: "Serve it by https, or from localhost.",
          }),
        );
        return;
      }
      let worker: Worker;
      try {
        worker = make();
      } catch (cause) {
        reject(unstarted(cause));
        return;
      }
      const end = (why: KeyfoldError): void => {
        worker.terminate();
        reject(why);
        died(why);
      };
      const port: Port = {
        post: (message: ToEngine) => {
          worker.postMessage(message);
          if (message.type === "close") setTimeout(() => worker.terminate(), END_MS);
        },
        close: () => worker.terminate(),
      };
      let isAlive = false;
      worker.onmessage = ({ data }: MessageEvent<FromEngine>) => {
        if (data.type !== "alive") {
          receive(data);
          return;
        }
        isAlive = true;
        resolve(port);
        // The worker holds this lock until it dies, however it dies: no event would tell.
        navigator.locks.request(data.lock, () => end(stopped())).catch(() => undefined);
      };
      worker.onerror = (event) => {
        // The script was not found, or does not run here. Later errors are reported by the call that they belong to.
        if (!isAlive) end(unstarted(event.message || "its script was not loaded"));
      };
      port.post({ type: "open", config });
    });
}

function stopped(): KeyfoldError {
  return new KeyfoldError("WorkerStopped", "the worker stopped; nothing is half-done", {
    hint: "Call again: another one is started.",
    retryable: true,
  });
}

function unstarted(cause: unknown): KeyfoldError {
  const message = cause instanceof Error ? cause.message : String(cause);
  return new KeyfoldError("WorkerStopped", `the worker could not be started: ${message}`, {
    hint: "Let the bundler keep worker.js, name its place with the option `worker`, or import @keyfold/client/inline. A Content Security Policy needs worker-src 'self'.",
    cause,
  });
}
