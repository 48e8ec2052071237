// The snippets of e2esdk's page on sharing, statement by statement as they stand there. Each is in a function that is
// named for its place on the page and takes what the page has in scope. Lines that the page lost in copying are
// completed by the signatures of the same documentation.
//
// JavaScript, as the page is: an application's code with nothing of Keyfold in it.

/** "Sharing keys with others": the identity, and the most recent key. */
export async function shareMostRecent(e2esdkClient, keychainFingerprint) {
  const bob = await e2esdkClient.getUserIdentity("bob's-user-id");
  await e2esdkClient.shareMostRecentKey(keychainFingerprint, bob);
}

/** "Sharing keys with others": an entire keychain. */
export async function shareComplete(e2esdkClient, keychainFingerprint) {
  const bob = await e2esdkClient.getUserIdentity("bob's-user-id");
  await e2esdkClient.shareCompleteKeychain(keychainFingerprint, bob);
}

/** "Sharing keys with others": a specific key. */
export async function shareSpecific(e2esdkClient, keychainFingerprint, keyFingerprint) {
  const bob = await e2esdkClient.getUserIdentity("bob's-user-id");
  // Share a specific key
  await e2esdkClient.shareKey(keychainFingerprint, keyFingerprint, bob);
}

/** "Listing outgoing shared keys" */
export async function listOutgoing(e2esdkClient) {
  const sharedKeys = await e2esdkClient.getOutgoingSharedKeys();
  return sharedKeys;
}

/** "Listing outgoing shared keys": the cancellation, with the fingerprint that stands on the page. */
export async function cancelOutgoing(e2esdkClient) {
  // Note: you can cancel an in-flight shared key
  // before it is received by the recipient.
  await e2esdkClient.deleteOutgoingSharedKey(
    "bob's-user-id",
    "isnZrYGaNYLhBTKIG3Eg81xUsHz6WgcXkm5nKwZLyho", // key fingerprint
  );
}

/** "Listing participants" */
export async function listParticipants(e2esdkClient, keychainFingerprint, keyFingerprint) {
  return await e2esdkClient.getParticipants(keychainFingerprint, keyFingerprint);
}

/** "Banning users" */
export async function ban(e2esdkClient, userId, keychainFingerprint) {
  await e2esdkClient.banUser(userId, keychainFingerprint);
}

/** "Setting permissions" */
export async function setPermissions(e2esdkClient, userId, keychainFingerprint) {
  await e2esdkClient.setPermissions(userId, keychainFingerprint, {
    allowSharing: true,
    allowRotation: true,
    // Anything omitted will be left as-is. Default is to deny.
  });
}

/** "Reacting to received shared keys" */
export function react(e2esdkClient) {
  const off = e2esdkClient.on("keyReceived", ({ keyFingerprint, sharedBy }) => {
    console.log(`Received key ${keyFingerprint} from ${sharedBy}`);
  });
  return () => {
    // Unsubscribe when you're done
    off();
  };
}
