/** The few controls that the platform does not have: tabs, a switch, an avatar, a question before something final. */

import {
  type KeyboardEvent,
  type ReactElement,
  type ReactNode,
  useEffect,
  useId,
  useRef,
  useState,
} from "react";

/** One tab. */
export interface Tab<Id extends string> {
  readonly id: Id;
  readonly label: ReactNode;
}

/** Properties of {@link Tabs}. */
export interface TabsProps<Id extends string> {
  readonly label: string;
  readonly tabs: readonly Tab<Id>[];
  readonly chosen: Id;
  readonly onChoose: (id: Id) => void;
  /** Ties tabs to their panels: a panel's id is `${base}-${tab}`. */
  readonly base: string;
  readonly className?: string;
}

/** A list of tabs: one stop for the tabulator, arrows within (ARIA Authoring Practices, "Tabs"). */
export function Tabs<Id extends string>(props: TabsProps<Id>): ReactElement {
  const { label, tabs, chosen, onChoose, base, className = "tabs" } = props;
  const list = useRef<HTMLDivElement>(null);
  const step = (event: KeyboardEvent) => {
    const at = tabs.findIndex(({ id }) => id === chosen);
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: tabs.length - 1 }[event.key];
    const next = to === undefined ? undefined : tabs[(to + tabs.length) % tabs.length];
    if (next === undefined) return;
    event.preventDefault();
    onChoose(next.id);
    list.current?.querySelector<HTMLElement>(`#${CSS.escape(`${base}-${next.id}-tab`)}`)?.focus();
  };
  return (
    <div ref={list} role="tablist" aria-label={label} className={className} onKeyDown={step}>
      {tabs.map(({ id, label: words }) => (
        <button
          key={id}
          id={`${base}-${id}-tab`}
          type="button"
          role="tab"
          aria-selected={id === chosen}
          aria-controls={`${base}-${id}`}
          tabIndex={id === chosen ? 0 : -1}
          onClick={() => onChoose(id)}
        >
          {words}
        </button>
      ))}
    </div>
  );
}

/** Properties of {@link Switch}. */
export interface SwitchProps {
  readonly label: string;
  readonly checked: boolean;
  readonly disabled?: boolean;
  /** Answers whether it was done, if that takes time. */
  readonly onChange: (checked: boolean) => Promise<boolean> | void;
}

/** Something that is on or off at once: it shows what was wanted until that is so, or did not work. */
export function Switch({ label, checked, disabled = false, onChange }: SwitchProps): ReactElement {
  const [wanted, setWanted] = useState<boolean | null>(null);
  useEffect(() => setWanted(null), [checked]);
  const change = async (next: boolean) => {
    setWanted(next);
    if ((await onChange(next)) !== true) setWanted(null);
  };
  return (
    <label className="switch">
      <input
        type="checkbox"
        role="switch"
        checked={wanted ?? checked}
        disabled={disabled}
        onChange={(event) => void change(event.target.checked)}
      />
      <span>{label}</span>
    </label>
  );
}

/** A person's initial on that person's colour. */
export function Avatar({
  name,
  small = false,
}: {
  readonly name: string;
  readonly small?: boolean;
}): ReactElement {
  return (
    <span className={small ? "avatar avatar-small" : "avatar"} data-person={name} aria-hidden="true">
      {name.slice(0, 1).toUpperCase()}
    </span>
  );
}

/** Properties of {@link Confirm}. */
export interface ConfirmProps {
  readonly title: string;
  readonly children: ReactNode;
  readonly confirm: string;
  readonly onConfirm: () => void;
  readonly onClose: () => void;
}

/** Asks before something that cannot be undone. Escape, and the first button, leave everything as it is. */
export function Confirm({ title, children, confirm, onConfirm, onClose }: ConfirmProps): ReactElement {
  const dialog = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => {
    const shown = dialog.current;
    shown?.showModal();
    return () => shown?.close();
  }, []);
  return (
    <dialog ref={dialog} className="confirm" aria-labelledby={id} onCancel={onClose}>
      <h3 id={id}>{title}</h3>
      {children}
      <div className="actions">
        <button type="button" onClick={onClose}>
          Cancel
        </button>
        <button
          type="button"
          className="danger"
          onClick={() => {
            onClose();
            onConfirm();
          }}
        >
          {confirm}
        </button>
      </div>
    </dialog>
  );
}
