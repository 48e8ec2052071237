/** Which client the hooks below speak with. Apart from them, so that several people can live in one page. */

import type { Client } from "@keyfold/client";
import { createContext, createElement, type ReactElement, type ReactNode, useContext } from "react";

const Context = createContext<Client | null>(null);

/** Properties of {@link KeyfoldProvider}. */
export interface KeyfoldProviderProps {
  /** Made once, outside of rendering: making a client does nothing, so a module is a good place. */
  readonly client: Client;
  readonly children?: ReactNode;
}

/** Gives a client to the hooks below it. It never closes the client: whoever made it does. */
export function KeyfoldProvider({ client, children }: KeyfoldProviderProps): ReactElement {
  return createElement(Context.Provider, { value: client }, children);
}

/**
 * The client of the nearest provider.
 *
 * @throws Error if there is no provider above.
 */
export function useClient(): Client {
  const client = useContext(Context);
  if (client === null) throw new Error("useClient: there is no <KeyfoldProvider> above this component");
  return client;
}
