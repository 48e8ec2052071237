/** A paper key as it is shown once: in a dialog, and as a page made for printing. */

import { type ReactElement } from "react";
import { createPortal } from "react-dom";
import { FormDialog } from "./dialog.js";
import { usePerson } from "./person.js";
import { QrCode } from "./qr.js";

const DAY = new Intl.DateTimeFormat("en-GB", { dateStyle: "long" });

/** The words, and a button that prints them. */
export function PaperKeySheet(props: { readonly words: string; readonly onClose: () => void }): ReactElement {
  const { words, onClose } = props;
  return (
    <FormDialog
      title="Your paper key"
      submit="I have it on paper"
      instead={
        <button type="button" onClick={() => window.print()}>
          Print
        </button>
      }
      onSubmit={onClose}
      onClose={onClose}
    >
      <p>Print it, or write it down in this order. It is shown only now.</p>
      <PaperWords words={words} />
      {createPortal(<Sheet words={words} />, document.body)}
    </FormDialog>
  );
}

function PaperWords({ words }: { readonly words: string }): ReactElement {
  return (
    <ol className="paper-words" aria-label="Paper key">
      {words.split(" ").map((word, at) => (
        <li key={at}>{word}</li>
      ))}
    </ol>
  );
}

/** Only printers see it. */
function Sheet({ words }: { readonly words: string }): ReactElement {
  const { user, client } = usePerson();
  return (
    <article className="sheet">
      <header>
        <h1>Keyfold paper key</h1>
        <dl>
          <dt>Account of</dt>
          <dd>{user}</dd>
          <dt>At</dt>
          <dd>{location.origin}</dd>
          <dt>Account id</dt>
          <dd>
            <code>{client.publicIdentity?.accountId}</code>
          </dd>
          <dt>Made on</dt>
          <dd>{DAY.format(Date.now())}</dd>
        </dl>
      </header>
      <PaperWords words={words} />
      <footer>
        <QrCode text={words} label="The same words as a QR code" />
        <div>
          <h2>What to do with it</h2>
          <ul>
            <li>Keep it where you keep your passport. Whoever has these words can read everything.</li>
            <li>
              If every device is lost: open the page above on a new one, continue as {user}, choose “Use what
              you kept”, and type the words in this order, or scan the code.
            </li>
            <li>Nobody will ever ask you for them, and nobody can give them to you again.</li>
            <li>After using it, or if somebody may have seen it: make a new one, and remove this one.</li>
          </ul>
        </div>
      </footer>
    </article>
  );
}
