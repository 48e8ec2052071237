/** Being somebody: the panel before there is an account here, and after signing out. */

import { type ReactElement, useState } from "react";
import { ComeIn } from "./come-in.js";
import { explain, useAct } from "./notices.js";
import { Avatar } from "./parts.js";
import { usePerson } from "./person.js";

/** Offers to come in: as the account whose device this browser has, else as a new one, else as another device. */
export function SignIn(): ReactElement {
  const { client, user, name } = usePerson();
  const { busy, act } = useAct();
  /** The account is there, and this browser none of its devices: never was, or has lost what it was. */
  const [elsewhere, setElsewhere] = useState<"new" | "lost" | null>(null);
  const enter = () =>
    act("Signing in", async () => {
      try {
        await client.login(user).catch((error: unknown) => {
          // No device of this person is here: this is the first visit. Anything else is for the person to see.
          if (explain(error).code !== "NoHome") throw error;
          return client.signup(user);
        });
      } catch (error) {
        const { code } = explain(error);
        if (code !== "UserTaken" && code !== "StorageLost") throw error;
        setElsewhere(code === "UserTaken" ? "new" : "lost");
      }
    });
  if (elsewhere !== null) return <ComeIn lost={elsewhere === "lost"} />;
  return (
    <div className="empty">
      <Avatar name={name} />
      <p className="empty-title">Nobody is signed in here</p>
      <p>
        One click makes an account for {name}, with this panel as its device. The keys are made in this
        browser and stay in it. There is no password.
      </p>
      <button type="button" className="primary" disabled={busy} onClick={() => void enter()}>
        {busy ? "Making keys…" : `Continue as ${name}`}
      </button>
    </div>
  );
}
