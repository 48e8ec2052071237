import { Client } from "@keyfold/client";

const [serverURL, serverSignaturePublicKey] = process.argv.slice(2);
const client = new Client({ serverURL, serverSignaturePublicKey, storage: "records" });
await client.signup("alice");
const { keychainFingerprint } = await client.createNewKeychain("notes", "secretBox");
const sealed = await client.encrypt("Lunch at noon?", keychainFingerprint);
await client.setLock({ pin: "271828" });
await client.lock();
await client.unlock({ pin: "271828" });
console.log(await client.decrypt(sealed, keychainFingerprint));
await client.close();
