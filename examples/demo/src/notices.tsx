/** Notices of one panel: what arrived, and what went wrong, spoken to screen readers as it appears. */

import {
  createContext,
  type ReactElement,
  type ReactNode,
  useCallback,
  useContext,
  useMemo,
  useRef,
  useState,
} from "react";
import { CloseIcon } from "./icons.js";

/** What to show. */
export interface Notice {
  readonly kind: "arrival" | "error";
  readonly title: string;
  readonly detail?: string | undefined;
  /** The stable code of an error. */
  readonly code?: string | undefined;
}

interface Shown extends Notice {
  readonly id: number;
}

type Notify = (notice: Notice) => void;

const NotifyContext = createContext<Notify>(() => {});

/** How long an arrival stays, in milliseconds. Errors stay until they are closed. */
const STAYS = 8_000;
/** More than this at once is a wall. */
const AT_ONCE = 3;

/** Shows notices over its children. */
export function Notices({ children }: { readonly children: ReactNode }): ReactElement {
  const [shown, setShown] = useState<readonly Shown[]>([]);
  const next = useRef(1);
  const close = useCallback((id: number) => setShown((all) => all.filter((one) => one.id !== id)), []);
  const notify = useCallback<Notify>(
    (notice) => {
      const id = next.current++;
      // The same error again replaces itself: ten clicks are one problem.
      setShown((all) => [
        ...all.filter((one) => one.title !== notice.title).slice(1 - AT_ONCE),
        { ...notice, id },
      ]);
      if (notice.kind === "arrival") setTimeout(() => close(id), STAYS);
    },
    [close],
  );
  const of = (kind: Notice["kind"]) => shown.filter((notice) => notice.kind === kind);
  return (
    <NotifyContext.Provider value={notify}>
      {children}
      <div className="notices">
        <div role="status" aria-live="polite">
          {of("arrival").map((notice) => (
            <Card key={notice.id} notice={notice} onClose={close} />
          ))}
        </div>
        <div role="alert">
          {of("error").map((notice) => (
            <Card key={notice.id} notice={notice} onClose={close} />
          ))}
        </div>
      </div>
    </NotifyContext.Provider>
  );
}

function Card({
  notice,
  onClose,
}: {
  readonly notice: Shown;
  readonly onClose: (id: number) => void;
}): ReactElement {
  return (
    <div className={`notice notice-${notice.kind}`}>
      <div className="notice-words">
        <strong>{notice.title}</strong>
        {notice.detail !== undefined && <p>{notice.detail}</p>}
        {notice.code !== undefined && <code>{notice.code}</code>}
      </div>
      <button
        type="button"
        className="icon-button"
        aria-label="Close this notice"
        onClick={() => onClose(notice.id)}
      >
        <CloseIcon />
      </button>
    </div>
  );
}

/** Shows a notice in this panel. */
export function useNotify(): Notify {
  return useContext(NotifyContext);
}

/** Work that a click begins: busy while it runs, and an error with its code and hint if it fails. */
export function useAct(): {
  readonly busy: boolean;
  act(what: string, work: () => Promise<unknown>): Promise<boolean>;
} {
  const notify = useNotify();
  const [running, setRunning] = useState(0);
  const act = useCallback(
    async (what: string, work: () => Promise<unknown>) => {
      setRunning((count) => count + 1);
      try {
        await work();
        return true;
      } catch (error) {
        notify({ kind: "error", title: `${what} did not work`, ...explain(error) });
        return false;
      } finally {
        setRunning((count) => count - 1);
      }
    },
    [notify],
  );
  return useMemo(() => ({ busy: running > 0, act }), [running, act]);
}

/** An error's words, hint and stable code. */
export function explain(error: unknown): { readonly detail: string; readonly code?: string } {
  if (!(error instanceof Error)) return { detail: String(error) };
  const { code, hint } = error as { code?: unknown; hint?: unknown };
  const detail = typeof hint === "string" ? `${error.message}. ${hint}` : error.message;
  return typeof code === "string" ? { detail, code } : { detail };
}
