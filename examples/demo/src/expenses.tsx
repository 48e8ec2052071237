/** Expenses of a workspace: a table in an encrypted index, searched and filtered without reading all of it. */

import type { VaultIndex } from "@keyfold/client";
import { type RecordsOptions, useRecordCount, useRecords } from "@keyfold/react";
import { type FormEvent, type ReactElement, useEffect, useId, useMemo, useRef, useState } from "react";
import { EditIcon, TrashIcon } from "./icons.js";
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

/** All that a person may change of one. */
type Changed = Omit<Expense, "id">;

// The key never changes, so whatever else does is one change of one record.
const SCHEMA = {
  key: ({ id }: Expense) => [id],
  secondary: {
    date: { by: ({ date }: Expense) => [date] },
    amount: { by: ({ amount }: Expense) => [amount] },
    word: { by: ({ what }: Expense) => words(what) },
  },
};

/** Rows that are made to fill the table. */
const MANY = 100_000;
/** Rows that are stored at once: more are faster, and fewer show how far it is. */
const CHUNK = 5_000;
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

/** How many changes of the table this device has not sent yet. */
function useWaiting(index: VaultIndex<Expense>): number {
  const [waiting, setWaiting] = useState(0);
  useEffect(() => {
    let isHere = true;
    const show = (count: number) => {
      if (isHere) setWaiting(count);
    };
    // What cannot be looked up now is told by what else is asked of the table.
    const look = () => void index.waiting().then(show, () => undefined);
    look();
    const stop = index.subscribe(look);
    return () => {
      isHere = false;
      stop();
    };
  }, [index]);
  return waiting;
}

/** The table, what finds rows in it, and a place to add one. */
export function Expenses({ keychain, writable }: InWorkspace): ReactElement {
  const index = useExpenses(keychain.keychainFingerprint);
  const [search, setSearch] = useState(NOTHING);
  const [limit, setLimit] = useState(SHOWN);
  const options = asked(search);
  const found = useRecords(index, { ...options, limit });
  const count = useLatest(useRecordCount(index, options).data) ?? 0;
  const waiting = useWaiting(index);
  const answer = useLatest(found.data);
  // Who begins two of its words alike is found by both.
  const rows = [...new Map((answer ?? []).map((row) => [row.id, row])).values()];
  const change = (next: Search) => {
    setSearch(next);
    setLimit(SHOWN);
  };
  const isAll = search.word === "" && search.from === "" && search.to === "";
  return (
    <>
      {writable && <NewExpense index={index} />}
      <Find search={search} onChange={change} />
      {found.status === "failed" && <p className="hint">{explain(found.error).detail}</p>}
      <p className="facts" role="status">
        <span>
          <strong>{COUNT.format(count)}</strong>{" "}
          {isAll ? plural(count, "expense") : search.by === "word" ? plural(count, "match") : "found"}
        </span>
        {rows.length > 0 && (
          <span>
            {rows.length < count ? `The first ${rows.length}` : "Together"}{" "}
            <strong>{money(rows.reduce((sum, { amount }) => sum + amount, 0))}</strong>
          </span>
        )}
      </p>
      {waiting > 0 && (
        <p className="hint" role="status">
          {waiting === 1 ? "1 change waits" : `${COUNT.format(waiting)} changes wait`} for the server.
        </p>
      )}
      {rows.length > 0 && (
        <table className="expenses" aria-label="Expenses" aria-busy={found.status === "loading"}>
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
              <ExpenseRow key={row.id} row={row} index={index} writable={writable} />
            ))}
          </tbody>
        </table>
      )}
      {answer?.length === 0 && (
        <p className="nothing">
          {isAll
            ? "No expenses yet. Whoever is in the workspace sees each one as it is added."
            : "None is like that."}
        </p>
      )}
      <div className="actions below">
        {writable && <Fill index={index} />}
        {(answer?.length ?? 0) >= limit && (answer?.length ?? 0) < count && (
          <button type="button" onClick={() => setLimit(limit + 4 * SHOWN)}>
            Show more
          </button>
        )}
      </div>
    </>
  );
}

/** What was there last, while something new is on its way: a table that goes and comes back cannot be read. */
function useLatest<T>(value: T | undefined): T | undefined {
  const latest = useRef(value);
  if (value !== undefined) latest.current = value;
  return latest.current;
}

/** Properties of {@link ExpenseRow}. */
interface ExpenseRowProps {
  readonly row: Expense;
  readonly index: VaultIndex<Expense>;
  readonly writable: boolean;
}

function ExpenseRow({ row, index, writable }: ExpenseRowProps): ReactElement {
  const { act, busy } = useAct();
  const [editing, setEditing] = useState<Expense | null>(null);
  if (editing !== null && writable) {
    return (
      <tr>
        <td colSpan={4}>
          <ExpenseForm
            label={`Edit ${editing.what}`}
            begin={editing}
            submit="Save"
            onCancel={() => setEditing(null)}
            onSubmit={async (after) => {
              await index.update([row.id], (now) => now && { ...now, ...difference(editing, after) });
              setEditing(null);
            }}
          />
        </td>
      </tr>
    );
  }
  return (
    <tr>
      <td>{row.date}</td>
      <td>{row.what}</td>
      <td>{money(row.amount)}</td>
      {writable && (
        <td>
          <span className="row-actions">
            <button
              type="button"
              className="icon-button"
              aria-label={`Edit ${row.what}`}
              onClick={() => setEditing(row)}
            >
              <EditIcon />
            </button>
            <button
              type="button"
              className="icon-button"
              aria-label={`Delete ${row.what}`}
              disabled={busy}
              onClick={() => void act("Deleting the expense", () => index.delete([[row.id]]))}
            >
              <TrashIcon />
            </button>
          </span>
        </td>
      )}
    </tr>
  );
}

/** What somebody changed, and nothing else: what another changes meanwhile stays. */
function difference(before: Changed, after: Changed): Partial<Changed> {
  return {
    ...(after.date !== before.date && { date: after.date }),
    ...(after.what !== before.what && { what: after.what }),
    ...(after.amount !== before.amount && { amount: after.amount }),
  };
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
    return first === undefined ? { by: "date", reverse: true } : { by, startsWith: first };
  }
  if (by === "amount") {
    return {
      by,
      ...(from !== "" && { from: Math.round(Number(from) * 100) }),
      ...(to !== "" && { to: Math.round(Number(to) * 100) + 1 }),
    };
  }
  // The end does not count where it stands, and this is right behind the date.
  return { by, reverse: true, ...(from !== "" && { from }), ...(to !== "" && { to: `${to}~` }) };
}

function Find(props: { readonly search: Search; readonly onChange: (next: Search) => void }): ReactElement {
  const { search, onChange } = props;
  const { name: person } = usePerson();
  const id = useId();
  const type = search.by === "date" ? "date" : "number";
  const bound = (name: "from" | "to", label: string) => (
    <div className={type === "date" ? "day" : undefined}>
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
    <div className="find" role="search" aria-label={`Find expenses, as ${person}`}>
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
  const [today] = useState(() => new Date().toISOString().slice(0, 10));
  return (
    <ExpenseForm
      label="New expense"
      begin={{ date: today, what: "", amount: null }}
      submit="Add expense"
      onSubmit={(expense) => index.put({ id: crypto.randomUUID(), ...expense })}
    />
  );
}

/** Properties of {@link ExpenseForm}. */
interface ExpenseFormProps {
  readonly label: string;
  readonly begin: { readonly date: string; readonly what: string; readonly amount: number | null };
  readonly submit: string;
  readonly onSubmit: (expense: Changed) => Promise<void>;
  readonly onCancel?: () => void;
}

/** A date, what it was for, and an amount. What was written stays there until it is stored. */
function ExpenseForm({ label, begin, submit, onSubmit, onCancel }: ExpenseFormProps): ReactElement {
  const { name } = usePerson();
  const { act, busy } = useAct();
  const [date, setDate] = useState(begin.date);
  const [what, setWhat] = useState(begin.what);
  const [amount, setAmount] = useState(begin.amount === null ? "" : (begin.amount / 100).toFixed(2));
  const id = useId();
  const cents = Math.round(Number(amount) * 100);
  const complete = date !== "" && what.trim() !== "" && amount !== "" && Number.isSafeInteger(cents);
  const submitted = (event: FormEvent) => {
    event.preventDefault();
    if (!complete || busy) return;
    const expense = { date, what: what.trim(), amount: cents };
    void act("Saving the expense", () => onSubmit(expense)).then((done) => {
      if (!done) return;
      setWhat("");
      setAmount("");
    });
  };
  return (
    <form className="find" aria-label={`${label}, as ${name}`} onSubmit={submitted}>
      <div className="day">
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
          autoFocus={onCancel !== undefined}
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
      {onCancel !== undefined && (
        <button type="button" onClick={onCancel}>
          Cancel
        </button>
      )}
      <button type="submit" className="primary" disabled={busy || !complete}>
        {submit}
      </button>
    </form>
  );
}

/** Fills the table, so that finding something in it means something. */
function Fill({ index }: { readonly index: VaultIndex<Expense> }): ReactElement {
  const { act } = useAct();
  const [done, setDone] = useState<number | null>(null);
  const running = useRef<AbortController | null>(null);
  useEffect(() => () => running.current?.abort(), []);
  const fill = async () => {
    const { signal } = (running.current = new AbortController());
    try {
      for (let made = 0; made < MANY; made += CHUNK) {
        setDone(made);
        const rows = Array.from({ length: CHUNK }, (_, at) => invented(made + at));
        await index.put(rows, { signal });
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      setDone(null);
    }
  };
  if (done === null) {
    return (
      <button type="button" className="quiet" onClick={() => void act("Loading the rows", fill)}>
        Load {COUNT.format(MANY)} rows
      </button>
    );
  }
  return (
    <div className="filling">
      <progress value={done} max={MANY} aria-label="Loading rows" />
      <span className="hint">
        {COUNT.format(done)} of {COUNT.format(MANY)} sealed and stored
      </span>
      <button type="button" onClick={() => running.current?.abort()}>
        Stop
      </button>
    </div>
  );
}

const THINGS = ["Ferry", "Bread", "Lamp", "Paint", "Coffee", "Rope", "Tickets", "Books", "Rent", "Flowers"];
const PLACES = ["harbour", "market", "museum", "station", "library", "garden", "theatre"];

/**
 * Row `n` of the many: the same for everybody, so that loading them twice adds none. They come in the order of their
 * dates and keys, as those of a book do: then what is stored at once stands together.
 */
function invented(n: number): Expense {
  const day = new Date(Date.UTC(2021, 0, 1 + Math.floor(n / 50)));
  const what = `${THINGS[n % THINGS.length]} at the ${PLACES[(n >> 3) % PLACES.length]}`;
  const amount = 250 + ((n * 7_919) % 120) * 175;
  return { id: `row-${String(n).padStart(6, "0")}`, date: day.toISOString().slice(0, 10), what, amount };
}

/** The words of a text, each once. */
function words(text: string): string[] {
  return [...new Set(text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [])];
}

function money(cents: number): string {
  return MONEY.format(cents / 100);
}

function plural(count: number, one: "expense" | "match"): string {
  return count === 1 ? one : one === "match" ? "matches" : "expenses";
}
