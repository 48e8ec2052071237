/** The little of the package `ws` that is used. */
declare module "ws" {
  export class WebSocket {
    constructor(url: string, options: { readonly handshakeTimeout: number; readonly maxPayload: number });
  }
}
