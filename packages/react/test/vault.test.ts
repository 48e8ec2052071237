/** Folders of vaults, live, and files on their way there. */

import { createElement as h, type ReactNode, Suspense } from "react";
import { describe, expect, test, vi } from "vitest";
import {
  KeyfoldProvider,
  useKeychain,
  useSuspenseVaultFolder,
  useVaultFolder,
  useVaultUpload,
} from "../src/index.js";
import { draw } from "./page.js";
import { type CountedClient, somebody, withServer } from "./people.js";

withServer();

const PATIENCE = { timeout: 20_000, interval: 20 };

function under(client: CountedClient, component: () => ReactNode) {
  return draw(h(KeyfoldProvider, { client }, h(component)));
}

describe("a folder of a vault", () => {
  test("follows what anybody does in it", async () => {
    const [alice, bob] = [await somebody("alice"), await somebody("bob")];
    const { keychainFingerprint: kc } = await alice.createNewKeychain("plans", "secretBox");
    const hers = alice.vault(kc);
    await hers.put("trip/map.png", new Blob(["map"]));
    await alice.shareCompleteKeychain(kc, { userId: bob.publicIdentity?.userId ?? "" });
    const drawn = await under(bob, () => {
      const folder = useVaultFolder(useKeychain(kc) === undefined ? null : kc, "trip");
      return folder.data?.map(({ name, kind }) => `${name} ${kind}`).join() ?? folder.status;
    });
    await vi.waitFor(() => expect(drawn.text()).toBe("map.png file"), PATIENCE);
    await hers.createFolder("trip/photos");
    await vi.waitFor(() => expect(drawn.text()).toBe("map.png file,photos folder"), PATIENCE);
    await hers.rename("trip/map.png", "trip/zoo.png");
    await vi.waitFor(() => expect(drawn.text()).toBe("photos folder,zoo.png file"), PATIENCE);
    await hers.remove("trip/photos");
    await vi.waitFor(() => expect(drawn.text()).toBe("zoo.png file"), PATIENCE);
    drawn.unmount();
  });

  test("suspends until it is known", async () => {
    const alice = await somebody("alice");
    const { keychainFingerprint: kc } = await alice.createNewKeychain("plans", "secretBox");
    await alice.vault(kc).put("map.png", new Blob(["map"]));
    const Folder = () => useSuspenseVaultFolder(kc).map(({ name }) => name);
    const drawn = await under(alice, () => h(Suspense, { fallback: "waiting" }, h(Folder)));
    await vi.waitFor(() => expect(drawn.text()).toBe("map.png"), PATIENCE);
    drawn.unmount();
  });
});

describe("files on their way into a vault", () => {
  test("tell how far they are, and what came of them", async () => {
    const alice = await somebody("alice");
    const { keychainFingerprint: kc } = await alice.createNewKeychain("plans", "secretBox");
    let hook: ReturnType<typeof useVaultUpload> | undefined;
    const loaded: number[] = [];
    const drawn = await under(alice, () => {
      hook = useVaultUpload(kc);
      for (const { progress } of hook.uploads) loaded.push(progress.loaded);
      return hook.uploads.map(({ name, phase, result }) => `${name} ${phase} ${result?.size}`).join();
    });
    await vi.waitFor(() => expect(hook).toBeDefined(), PATIENCE);
    const file = await hook?.start("films/trip.mp4", new File([new Uint8Array(9_000_000)], "else"));
    expect(file?.path).toBe("films/trip.mp4");
    await vi.waitFor(() => expect(drawn.text()).toBe("trip.mp4 done 9000000"), PATIENCE);
    expect(Math.max(...loaded)).toBe(9_000_000);
    // A folder stands there.
    expect(await hook?.start("films", new Blob(["x"]))).toBeNull();
    await vi.waitFor(() => expect(drawn.text()).toContain("films failed"), PATIENCE);
    drawn.unmount();
  });

  test("are cancelled one by one, and all when it unmounts", async () => {
    const alice = await somebody("alice");
    const { keychainFingerprint: kc } = await alice.createNewKeychain("plans", "secretBox");
    let hook: ReturnType<typeof useVaultUpload> | undefined;
    const drawn = await under(alice, () => {
      hook = useVaultUpload(kc);
      return hook.uploads.map(({ phase }) => phase).join();
    });
    await vi.waitFor(() => expect(hook).toBeDefined(), PATIENCE);
    const large = new Blob([new Uint8Array(20_000_000)]);
    const one = hook?.start("one", large);
    hook?.cancel(1);
    expect(await one).toBeNull();
    await vi.waitFor(() => expect(drawn.text()).toBe("cancelled"), PATIENCE);
    hook?.dismiss(1);
    const other = hook?.start("other", large);
    drawn.unmount();
    expect(await other).toBeNull();
    expect(await alice.vault(kc).list()).toEqual([]);
  });
});
