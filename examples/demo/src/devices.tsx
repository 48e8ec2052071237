/** A person's devices: which there are, letting one in, and taking one out. */

import type { Device, DeviceRequest, Progress } from "@keyfold/client";
import { useDeviceRequests, useDevices, useEvent } from "@keyfold/react";
import { type FormEvent, type ReactElement, useId, useState } from "react";
import { FormDialog } from "./dialog.js";
import { clock } from "./format.js";
import { EditIcon } from "./icons.js";
import { explain, useAct, useNotify } from "./notices.js";
import { Confirm } from "./parts.js";
import { usePerson } from "./person.js";

/** Those that there are, and how to add one. */
export function Devices(): ReactElement {
  const { data, error } = useDevices();
  return (
    <section className="own" aria-label="Devices">
      <h3>Devices</h3>
      {data === undefined && (
        <p className="nothing">{error === undefined ? "Reading the signed list…" : explain(error).detail}</p>
      )}
      <ul className="cards" aria-label="Devices">
        {data?.map((device) => (
          <DeviceCard key={device.deviceId} device={device} all={data} />
        ))}
      </ul>
      <AddDevice />
    </section>
  );
}

function nameOf({ label }: Pick<Device, "label">): string {
  return label ?? "A device without a name";
}

function DeviceCard(props: { readonly device: Device; readonly all: readonly Device[] }): ReactElement {
  const { device, all } = props;
  const { client, name } = usePerson();
  const { act, busy } = useAct();
  const [asking, setAsking] = useState(false);
  const [renaming, setRenaming] = useState(false);
  const [progress, setProgress] = useState<Progress | null>(null);
  const by = all.find(({ deviceId }) => deviceId === device.addedBy);
  const took = clock(device.addedAt.getTime());
  const added =
    device.addedBy === null ? "The first one" : by ? `Let in by ${nameOf(by)}` : "Let in by a way back";
  const revoke = async () => {
    setProgress({ loaded: 0, total: null });
    await act(`Taking ${nameOf(device)} out`, () =>
      client.devices.revoke(device.deviceId, { onProgress: setProgress }),
    );
    setProgress(null);
  };
  return (
    <li className="card">
      <div className="file-line">
        <strong className="file-name">{nameOf(device)}</strong>
        {device.isCurrent && <span className="badge">This one</span>}
        {device.isCurrent ? (
          <button
            type="button"
            className="icon-button"
            aria-label="Rename this device"
            onClick={() => setRenaming(true)}
          >
            <EditIcon />
          </button>
        ) : (
          <button type="button" className="danger-quiet" disabled={busy} onClick={() => setAsking(true)}>
            Take out
          </button>
        )}
      </div>
      <p className="hint">
        {added}, {took}
      </p>
      {progress !== null && (
        <p className="hint" role="status">
          <progress
            aria-label="New keys"
            {...(progress.total === null ? {} : { value: progress.loaded, max: progress.total || 1 })}
          />
          New keys for what it could read
          {progress.total !== null && `: ${progress.loaded} of ${progress.total}`}
        </p>
      )}
      {renaming && <Rename device={device} onClose={() => setRenaming(false)} />}
      {asking && (
        <Confirm
          title={`Take ${nameOf(device)} out?`}
          confirm="Take it out"
          onConfirm={() => void revoke()}
          onClose={() => setAsking(false)}
        >
          <p>
            For a device that is lost, stolen or sold. It and the devices that it let in are {name}’s no more:{" "}
            {name}’s account and every workspace get new keys, which they never see. What a device has read
            before, it may keep.
          </p>
        </Confirm>
      )}
    </li>
  );
}

function Rename({
  device,
  onClose,
}: {
  readonly device: Device;
  readonly onClose: () => void;
}): ReactElement {
  const { client } = usePerson();
  const { act, busy } = useAct();
  const [label, setLabel] = useState(device.label ?? "");
  const id = useId();
  const rename = async () => {
    if (await act("Renaming", () => client.devices.rename(label.trim()))) onClose();
  };
  return (
    <FormDialog
      title="What is this device called?"
      submit="Rename"
      disabled={busy || label.trim() === ""}
      onSubmit={() => void rename()}
      onClose={onClose}
    >
      <p>Only your own devices read it.</p>
      <label htmlFor={id}>Name</label>
      <input id={id} value={label} maxLength={60} onChange={(event) => setLabel(event.target.value)} />
    </FormDialog>
  );
}

function AddDevice(): ReactElement {
  const { client, name } = usePerson();
  const { act, busy } = useAct();
  const [code, setCode] = useState("");
  const id = useId();
  const approve = (event: FormEvent) => {
    event.preventDefault();
    void act("Letting the device in", async () => {
      await client.devices.approve(code.trim());
      setCode("");
    });
  };
  return (
    <form className="invite" onSubmit={approve}>
      <h3>Add a device</h3>
      <p className="hint">
        Open this page on it, or{" "}
        <a href="/?device=2" target="_blank" rel="noreferrer">
          in another window as a second device
        </a>
        , continue as {name}, and let it ask. It appears here by itself; or copy its code:
      </p>
      <div className="row">
        <label className="unseen" htmlFor={id}>
          Code that the new device shows
        </label>
        <input
          id={id}
          value={code}
          placeholder="keyfold:device/…"
          autoComplete="off"
          onChange={(event) => setCode(event.target.value)}
        />
        <button type="submit" disabled={busy || code.trim() === ""}>
          Let it in
        </button>
      </div>
    </form>
  );
}

/** Devices that ask to be let in: over everything else that a panel shows, since nobody looks for them. */
export function Asking(): ReactElement | null {
  const { data } = useDeviceRequests();
  const notify = useNotify();
  useEvent("deviceRequested", () => notify({ kind: "arrival", title: "A new device asks to be let in" }));
  if (data === undefined || data.length === 0) return null;
  return (
    <>
      {data.map((request) => (
        <Request key={request.deviceId} request={request} />
      ))}
    </>
  );
}

function Request({ request }: { readonly request: DeviceRequest }): ReactElement {
  const { client, name } = usePerson();
  const { act, busy } = useAct();
  const id = useId();
  const { deviceId, words } = request;
  return (
    <section className="asking" aria-labelledby={id}>
      <h3 id={id}>A new device asks to be let in</h3>
      <p>
        It calls itself <strong>{nameOf(request)}</strong>. Once it is in, it reads everything that {name}{" "}
        reads. Look at it: does it show the same words?
      </p>
      <Words words={words} />
      <div className="actions">
        <button
          type="button"
          className="danger-quiet"
          disabled={busy}
          onClick={() => void act("Declining", () => client.devices.decline(deviceId))}
        >
          No, or it is not mine
        </button>
        <button
          type="button"
          className="primary"
          disabled={busy}
          onClick={() => void act("Letting the device in", () => client.devices.approve(deviceId))}
        >
          {busy ? "Letting it in…" : "The same words: let it in"}
        </button>
      </div>
    </section>
  );
}

/** Eight words to compare. */
export function Words({ words }: { readonly words: string }): ReactElement {
  return (
    <ol className="safety-words" aria-label="Words to compare">
      {words.split(" ").map((word, at) => (
        <li key={at}>{word}</li>
      ))}
    </ol>
  );
}
