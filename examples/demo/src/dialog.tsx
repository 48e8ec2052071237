/** A dialog with a form in it: for what takes more than a yes. Escape closes it, unless that loses something. */

import {
  type FormEvent,
  type ReactElement,
  type ReactNode,
  type SyntheticEvent,
  useEffect,
  useId,
  useRef,
} from "react";

/** Properties of {@link FormDialog}. */
export interface FormDialogProps {
  readonly title: string;
  readonly children: ReactNode;
  /** What the button says that submits it. */
  readonly submit: string;
  readonly disabled?: boolean;
  /** Stands in the place of "Cancel": for what must not be closed by accident. Then Escape does nothing. */
  readonly instead?: ReactNode;
  readonly onSubmit: () => void;
  readonly onClose: () => void;
}

/** A form over everything else. */
export function FormDialog(props: FormDialogProps): ReactElement {
  const { title, children, submit, disabled = false, instead, onSubmit, onClose } = props;
  const dialog = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => {
    const shown = dialog.current;
    shown?.showModal();
    return () => shown?.close();
  }, []);
  const send = (event: FormEvent) => {
    event.preventDefault();
    onSubmit();
  };
  const cancel = (event: SyntheticEvent) => {
    if (instead === undefined) onClose();
    else event.preventDefault();
  };
  return (
    <dialog ref={dialog} className="confirm wide" aria-labelledby={id} onCancel={cancel}>
      <form onSubmit={send}>
        <h3 id={id}>{title}</h3>
        {children}
        <div className="actions">
          {instead ?? (
            <button type="button" onClick={onClose}>
              Cancel
            </button>
          )}
          <button type="submit" className="primary" disabled={disabled}>
            {submit}
          </button>
        </div>
      </form>
    </dialog>
  );
}
