/**
 * A certified OpenID provider (`oidc-provider`) on a port of its own, and somebody's browser that signs in there: the
 * authorization code flow with PKCE (RFC 7636), forms and cookies and all. The test holds the provider's key too, so
 * that it can sign what no provider would.
 */

import { createHash, generateKeyPairSync, randomBytes, sign, type KeyObject } from "node:crypto";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import Oidc from "oidc-provider";

/** The application that Keyfold's gate is told of. */
export const AUDIENCE = "keyfold-app";
/** Another application of the same provider. */
export const OTHER = "another-app";

const REDIRECT = "http://127.0.0.1/signed-in";

/** A running provider. */
export class Provider {
  private constructor(
    private server: Server,
    private readonly key: KeyObject,
    /** As it writes itself in its tokens. */
    readonly issuer: string,
  ) {}

  /** Starts one, with a key of its own. */
  static async start(): Promise<Provider> {
    const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
    const server = await listen(0);
    const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const provider = new Provider(server, privateKey, issuer);
    provider.serve();
    return provider;
  }

  /** Nothing answers at its address any more. */
  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  /** Answers there again. */
  async startAgain(): Promise<void> {
    this.server = await listen(Number(new URL(this.issuer).port));
    this.serve();
  }

  /**
   * Signs in as a user, and answers the ID token.
   *
   * @throws If the flow does not end with one.
   */
  async signIn(user: string, application = AUDIENCE): Promise<string> {
    const verifier = randomBytes(32).toString("base64url");
    const question = new URLSearchParams({
      client_id: application,
      response_type: "code",
      scope: "openid",
      redirect_uri: REDIRECT,
      code_challenge: createHash("sha256").update(verifier).digest("base64url"),
      code_challenge_method: "S256",
    });
    const code = await this.browse(`${this.issuer}/auth?${question}`, user);
    const answer = await fetch(`${this.issuer}/token`, {
      method: "POST",
      body: new URLSearchParams({
        client_id: application,
        grant_type: "authorization_code",
        code,
        redirect_uri: REDIRECT,
        code_verifier: verifier,
      }),
    });
    const { id_token: token } = (await answer.json()) as { id_token?: string };
    if (token === undefined) throw new Error(`no token: ${answer.status}`);
    return token;
  }

  /** Signs anything as the provider would. */
  sign(claims: object): string {
    const message = [{ alg: "RS256", kid: "one", typ: "JWT" }, claims]
      .map((part) => Buffer.from(JSON.stringify(part)).toString("base64url"))
      .join(".");
    return `${message}.${sign("sha256", Buffer.from(message), this.key).toString("base64url")}`;
  }

  /** Follows redirects, logs in, consents, until there is a code. */
  private async browse(start: string, user: string): Promise<string> {
    const cookies = new Map<string, string>();
    const visit = async (url: string, form?: Record<string, string>): Promise<Response> => {
      const cookie = Array.from(cookies, ([name, value]) => `${name}=${value}`).join("; ");
      const body = form && new URLSearchParams(form);
      const method = form === undefined ? "GET" : "POST";
      const answer = await fetch(url, {
        method,
        redirect: "manual",
        headers: { cookie },
        ...(body && { body }),
      });
      for (const line of answer.headers.getSetCookie()) {
        const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
        if (value === "") cookies.delete(name);
        else cookies.set(name, value);
      }
      return answer;
    };
    let answer = await visit(start);
    for (let steps = 0; steps < 12; steps += 1) {
      const to = answer.headers.get("location");
      if (to !== null) {
        const url = new URL(to, this.issuer);
        const code = url.searchParams.get("code");
        if (url.href.startsWith(REDIRECT) && code !== null) return code;
        answer = await visit(url.href);
        continue;
      }
      const page = await answer.text();
      const [, action] = /action="([^"]+)"/.exec(page) ?? [];
      const [, prompt] = /name="prompt" value="([^"]+)"/.exec(page) ?? [];
      if (action === undefined || prompt === undefined) throw new Error(`${answer.status}: ${page}`);
      const login = prompt === "login" ? { login: user, password: "of no matter here" } : {};
      answer = await visit(new URL(action, this.issuer).href, { prompt, ...login });
    }
    throw new Error("the provider sends its visitor in circles");
  }

  private serve(): void {
    const application = (id: string): object => ({
      client_id: id,
      redirect_uris: [REDIRECT],
      response_types: ["code"],
      grant_types: ["authorization_code"],
      token_endpoint_auth_method: "none",
      application_type: "native",
    });
    const oidc = new Oidc(this.issuer, {
      clients: [application(AUDIENCE), application(OTHER)],
      jwks: { keys: [{ ...this.key.export({ format: "jwk" }), kid: "one", use: "sig", alg: "RS256" }] },
      cookies: { keys: [randomBytes(16).toString("hex")] },
      pkce: { required: () => true },
      findAccount: (_: unknown, accountId: string) => ({ accountId, claims: () => ({ sub: accountId }) }),
    });
    this.server.on("request", oidc.callback());
  }
}

async function listen(port: number): Promise<Server> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", resolve);
  });
  return server;
}
