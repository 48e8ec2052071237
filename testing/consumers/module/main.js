import { Client } from "./node_modules/@keyfold/client/dist/index.js";

/** What any application does first. */
async function firstSteps() {
  const query = new URLSearchParams(location.search);
  const client = new Client({
    serverURL: query.get("server"),
    serverSignaturePublicKey: query.get("key"),
  });
  await client.signup(query.get("user"));
  const { keychainFingerprint } = await client.createNewKeychain("notes", "secretBox");
  const sealed = await client.encrypt("Lunch at noon?", keychainFingerprint);
  if (query.has("lock")) {
    await client.setLock({ pin: "271828" });
    await client.lock();
    await client.unlock({ pin: "271828" });
  }
  return await client.decrypt(sealed, keychainFingerprint);
}

document.querySelector("button").addEventListener("click", async () => {
  document.querySelector("output").textContent = await firstSteps();
});
