import { Client } from "@keyfold/client";
import { KeyfoldProvider, useClient, useKeychains } from "@keyfold/react";
import { StrictMode, useState } from "react";
import { createRoot } from "react-dom/client";

const query = new URLSearchParams(location.search);
const client = new Client({
  serverURL: query.get("server"),
  serverSignaturePublicKey: query.get("key"),
});

function App() {
  const client = useClient();
  const keychains = useKeychains();
  const [text, setText] = useState("");
  const start = async () => {
    await client.signup(query.get("user"));
    const { keychainFingerprint } = await client.createNewKeychain("notes", "secretBox");
    const sealed = await client.encrypt("Lunch at noon?", keychainFingerprint);
    setText(await client.decrypt(sealed, keychainFingerprint));
  };
  return (
    <>
      <button onClick={start}>Start</button>
      {/* The hook has told of the keychain before the text is shown. */}
      <output>{keychains.length === 1 ? text : ""}</output>
    </>
  );
}

createRoot(document.getElementById("root")).render(
  <StrictMode>
    <KeyfoldProvider client={client}>
      <App />
    </KeyfoldProvider>
  </StrictMode>,
);
