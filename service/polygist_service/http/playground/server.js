// Calls to the service over HTTP, and what can go wrong with them.
import { readEvents } from "./event_stream.js";

const ERROR_INFO = "type.googleapis.com/google.rpc.ErrorInfo";
const RETRY_INFO = "type.googleapis.com/google.rpc.RetryInfo";

/** There is no server at this address, or no way to it. */
export class Unreachable extends Error {}

/** The connection ended before the answer did. */
export class Interrupted extends Error {}

/** What the service says of a call that it refused or that failed. */
export class ServerError extends Error {
  /** @param {{status?: string, message?: string, details?: object[]}} error as the service writes it */
  constructor(error, requestId = "", retryAfter = "") {
    super(error.message ?? "");
    const info = (error.details ?? []).find((detail) => detail["@type"] === ERROR_INFO);
    const retry = (error.details ?? []).find((detail) => detail["@type"] === RETRY_INFO);
    this.status = error.status ?? "UNKNOWN";
    this.reason = info?.reason ?? "";
    this.metadata = info?.metadata ?? {};
    this.requestId = requestId;
    this.retrySeconds = Math.ceil(parseFloat(retry?.retryDelay ?? retryAfter)) || 0;
  }
}

/** The service at the address that this page came from. */
export class Server {
  #key = "";

  /** Send `key` with every call from now on. It is kept in memory only. */
  useKey(key) {
    this.#key = key.trim();
  }

  /** The answer to a call that only asks. */
  async get(path, signal) {
    return (await this.#send(path, { signal })).json();
  }

  /** The answer to `message`, and to `file` beside it where there is one. */
  async call(path, message, { file, signal } = {}) {
    return (await this.#send(path, { ...packed(message, file), signal })).json();
  }

  /** The messages of a streamed answer to `message` and `file`, as they come. */
  async *stream(path, message, { file, signal } = {}) {
    const answer = await this.#send(path, { ...packed(message, file), accept: "text/event-stream", signal });
    try {
      for await (const event of readEvents(answer.body)) {
        if (event.type === "end") return;
        const data = JSON.parse(event.data);
        if (event.type === "error") throw new ServerError(data.error, answer.headers.get("x-request-id"));
        yield data;
      }
    } catch (error) {
      if (error instanceof ServerError || error.name === "AbortError") throw error;
      throw new Interrupted(error.message);
    }
    throw new Interrupted("the stream has no end");
  }

  async #send(path, { body, type, accept = "application/json", signal }) {
    const method = body ? "POST" : "GET";
    const headers = new Headers({ accept });
    if (type) headers.set("content-type", type);
    if (this.#key) headers.set("authorization", `Bearer ${this.#key}`);
    let answer;
    try {
      answer = await fetch(path, { method, body, headers, signal, cache: "no-store", credentials: "omit", redirect: "error" });
    } catch (error) {
      if (error.name === "AbortError") throw error;
      throw new Unreachable(error.message);
    }
    if (answer.ok) return answer;
    const told = await answer.json().catch(() => ({}));
    const error = told.error ?? { message: `HTTP ${answer.status}` };
    throw new ServerError(error, answer.headers.get("x-request-id"), answer.headers.get("retry-after"));
  }
}

/** A body of JSON, or of two parts where there is a file. */
function packed(message, file) {
  const type = "application/json";
  const json = JSON.stringify(message);
  if (!file) return { body: json, type };
  const body = new FormData();
  body.append("request", json);
  body.append("file", file, file.name);
  return { body };
}
