/** Types shared by the fake widget's document and the process of the test. */
import type { Vendor, VendorChange } from "./vendor.ts";

/** Settings of one document. */
export interface FakeWidgetSettings {
  /** Name of the function that calls the test. */
  readonly binding: string;
  /** Exact origins of pages that get an answer. */
  readonly allowedOrigins: readonly string[];
  /** The signed-in agent. */
  readonly userId?: number | undefined;
}

/** Methods of the vendor for the document to call. */
export type VendorMethod = "record" | "plan" | "call";

/** Calls the vendor in the process of the test. */
export type CallTest = <Method extends VendorMethod>(
  method: Method,
  argument: Parameters<Vendor[Method]>[0],
) => Promise<Awaited<ReturnType<Vendor[Method]>>>;

/** Functions of the document for the test to call. */
export interface FakeWidgetDocument {
  announce(change: VendorChange): void;
  /** Closes the connection to the page until `reconnect`. */
  disconnect(): void;
  reconnect(): void;
}
