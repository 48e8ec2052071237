/** Expenses of a workspace: a table in an encrypted index, searched and filtered without reading all of it. */

import type { VaultIndex } from "@keyfold/client";
import { type RecordsOptions, useRecordCount, useRecords } from "@keyfold/react";
import { type FormEvent, type ReactElement, useId, useMemo, useRef, useState } from "react";
import { TrashIcon } from "./icons.js";
import type { InWorkspace } from "./notes.js";
import { explain, useAct } from "./notices.js";
import { usePerson } from "./person.js";

/** One expense. Amounts are in cents. */
interface Expense {
  readonly id: string;
  readonly date: string;
  readonly what: string;
  readonly amount: number;
}

const SCHEMA = {
  key: ({ date, id }: Expense) => [date, id],
  secondary: {
    amount: { by: ({ amount }: Expense) => [amount] },
    word: { by: ({ what }: Expense) => words(what) },
  },
};

/** Rows that are made to fill the table. */
const MANY = 100_000;
/** Rows that are stored at once. */
const CHUNK = 2_500;
/** Rows that are shown at first, and more each time. */
const SHOWN = 50;

const MONEY = new Intl.NumberFormat("en-GB", { style: "currency", currency: "EUR" });
const COUNT = new Intl.NumberFormat("en-GB");

/** The expenses of a workspace. */
export function useExpenses(workspace: string): VaultIndex<Expense> {
  const { client } = usePerson();
  return useMemo(() => client.vault(workspace).index("expenses", SCHEMA), [client, workspace]);
}

/** How many there are. */
export function useExpenseCount(workspace: string, readable: boolean): number {
  const index = useExpenses(workspace);
  return useRecordCount(readable ? index : null).data ?? 0;
}

/** The table, what finds rows in it, and a place to add one. */
export function Expenses({ keychain, writable }: InWorkspace): ReactElement {
  const index = useExpenses(keychain.keychainFingerprint);
  const [search, setSearch] = useState(NOTHING);
  const [limit, setLimit] = useState(SHOWN);
  const options = asked(search);
  const found = useRecords(index, { ...options, limit });
  const count = useRecordCount(index, options);
  const { act, busy } = useAct();
  const change = (next: Search) => {
    setSearch(next);
    setLimit(SHOWN);
  };
  const rows = found.data ?? [];
  return (
    <>
      {writable && <NewExpense index={index} />}
      <Find search={search} onChange={change} />
      {found.status === "failed" && <p className="hint">{explain(found.error).detail}</p>}
      <p className="facts" role="status">
        <span>
          <strong>{COUNT.format(count.data ?? 0)}</strong> {search === NOTHING ? "expenses" : "found"}
        </span>
        <span>
          Shown: <strong>{MONEY.format(rows.reduce((sum, { amount }) => sum + amount, 0) / 100)}</strong>
        </span>
      </p>
      {rows.length > 0 && (
        <table className="expenses" aria-label="Expenses">
          <thead>
            <tr>
              <th scope="col">Date</th>
              <th scope="col">What</th>
              <th scope="col">Amount</th>
              {writable && <td />}
            </tr>
          </thead>
          <tbody>
            {rows.map((row) => (
              <tr key={row.id}>
                <td>{row.date}</td>
                <td>{row.what}</td>
                <td>{MONEY.format(row.amount / 100)}</td>
                {writable && (
                  <td>
                    <button
                      type="button"
                      className="icon-button"
                      aria-label={`Delete ${row.what}`}
                      disabled={busy}
                      onClick={() =>
                        void act("Deleting the expense", () => index.delete([[row.date, row.id]]))
                      }
                    >
                      <TrashIcon />
                    </button>
                  </td>
                )}
              </tr>
            ))}
          </tbody>
        </table>
      )}
      <div className="actions">
        {rows.length < (count.data ?? 0) && rows.length >= limit && (
          <button type="button" onClick={() => setLimit(limit + 4 * SHOWN)}>
            Show more
          </button>
        )}
        {writable && <Fill index={index} />}
      </div>
    </>
  );
}

interface Search {
  readonly by: "date" | "amount" | "word";
  readonly word: string;
  readonly from: string;
  readonly to: string;
}

const NOTHING: Search = { by: "date", word: "", from: "", to: "" };

/** A search as the index is asked. Both ends count. */
function asked({ by, word, from, to }: Search): RecordsOptions {
  if (by === "word") {
    const [first] = words(word);
    return first === undefined ? { reverse: true } : { by, startsWith: first };
  }
  if (by === "amount") {
    return {
      by,
      ...(from !== "" && { from: Math.round(Number(from) * 100) }),
      ...(to !== "" && { to: Math.round(Number(to) * 100) + 1 }),
    };
  }
  // A date with what comes after every id is behind all of that date.
  return { reverse: true, ...(from !== "" && { from }), ...(to !== "" && { to: `${to}~` }) };
}

function Find(props: { readonly search: Search; readonly onChange: (next: Search) => void }): ReactElement {
  const { search, onChange } = props;
  const id = useId();
  const type = search.by === "date" ? "date" : "number";
  const bound = (name: "from" | "to", label: string) => (
    <div>
      <label htmlFor={`${id}-${name}`}>{label}</label>
      <input
        id={`${id}-${name}`}
        type={type}
        step={type === "number" ? "0.01" : undefined}
        value={search[name]}
        onChange={(event) => onChange({ ...search, [name]: event.target.value })}
      />
    </div>
  );
  return (
    <div className="find" role="search" aria-label="Find expenses">
      <div>
        <label htmlFor={`${id}-by`}>Find by</label>
        <select
          id={`${id}-by`}
          value={search.by}
          onChange={(event) => onChange({ ...NOTHING, by: event.target.value as Search["by"] })}
        >
          <option value="date">Date</option>
          <option value="amount">Amount</option>
          <option value="word">Word</option>
        </select>
      </div>
      {search.by === "word" ? (
        <div className="wide">
          <label htmlFor={`${id}-word`}>Word, or its beginning</label>
          <input
            id={`${id}-word`}
            type="search"
            value={search.word}
            autoComplete="off"
            onChange={(event) => onChange({ ...search, word: event.target.value })}
          />
        </div>
      ) : (
        <>
          {bound("from", "From")}
          {bound("to", "To")}
        </>
      )}
    </div>
  );
}

function NewExpense({ index }: { readonly index: VaultIndex<Expense> }): ReactElement {
  const { act, busy } = useAct();
  const [date, setDate] = useState(() => new Date().toISOString().slice(0, 10));
  const [what, setWhat] = useState("");
  const [amount, setAmount] = useState("");
  const id = useId();
  const cents = Math.round(Number(amount) * 100);
  const complete = date !== "" && what.trim() !== "" && amount !== "" && Number.isSafeInteger(cents);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!complete || busy) return;
    const expense = { id: crypto.randomUUID(), date, what: what.trim(), amount: cents };
    void act("Saving the expense", () => index.put(expense)).then((done) => {
      if (!done) return;
      setWhat("");
      setAmount("");
    });
  };
  return (
    <form className="find" aria-label="New expense" onSubmit={submit}>
      <div>
        <label htmlFor={`${id}-date`}>Date</label>
        <input id={`${id}-date`} type="date" value={date} onChange={(event) => setDate(event.target.value)} />
      </div>
      <div className="wide">
        <label htmlFor={`${id}-what`}>What</label>
        <input
          id={`${id}-what`}
          value={what}
          maxLength={200}
          autoComplete="off"
          placeholder="Ferry tickets"
          onChange={(event) => setWhat(event.target.value)}
        />
      </div>
      <div>
        <label htmlFor={`${id}-amount`}>Amount, €</label>
        <input
          id={`${id}-amount`}
          type="number"
          step="0.01"
          value={amount}
          onChange={(event) => setAmount(event.target.value)}
        />
      </div>
      <button type="submit" className="primary" disabled={busy || !complete}>
        Add expense
      </button>
    </form>
  );
}

/** Fills the table, so that finding something in it means something. */
function Fill({ index }: { readonly index: VaultIndex<Expense> }): ReactElement {
  const { act } = useAct();
  const [done, setDone] = useState<number | null>(null);
  const cancelled = useRef(false);
  const fill = async () => {
    cancelled.current = false;
    for (let made = 0; made < MANY && !cancelled.current; made += CHUNK) {
      setDone(made);
      await index.put(Array.from({ length: CHUNK }, (_, at) => invented(made + at)));
    }
  };
  if (done === null) {
    return (
      <button
        type="button"
        className="quiet"
        onClick={() => void act("Loading the rows", fill).then(() => setDone(null))}
      >
        Load {COUNT.format(MANY)} rows
      </button>
    );
  }
  return (
    <>
      <progress value={done} max={MANY} aria-label="Loading rows" />
      <span className="hint">
        {COUNT.format(done)} of {COUNT.format(MANY)}
      </span>
      <button
        type="button"
        onClick={() => {
          cancelled.current = true;
        }}
      >
        Stop
      </button>
    </>
  );
}

const THINGS = ["Ferry", "Bread", "Lamp", "Paint", "Coffee", "Rope", "Tickets", "Books", "Rent", "Flowers"];
const PLACES = ["harbour", "market", "museum", "station", "library", "garden", "theatre"];

/** Row `n` of the many: the same for everybody, so that loading them twice adds none. */
function invented(n: number): Expense {
  const day = new Date(Date.UTC(2020, 0, 1 + (n % 2_000)));
  const what = `${THINGS[n % THINGS.length]} at the ${PLACES[(n >> 3) % PLACES.length]}`;
  return { id: `row-${n}`, date: day.toISOString().slice(0, 10), what, amount: 100 + ((n * 7_919) % 99_900) };
}

/** The words of a text, each once. */
function words(text: string): string[] {
  return [...new Set(text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [])];
}
