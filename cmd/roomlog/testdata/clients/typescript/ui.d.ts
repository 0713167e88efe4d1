// Types of the library of the page, as far as the page needs them.
export interface Signal<T> { value: T; peek(): T }
export function html(parts: TemplateStringsArray, ...values: unknown[]): any;
export function render(node: unknown, into: Element): void;
export function signal<T>(value: T): Signal<T>;
export function computed<T>(read: () => T): { readonly value: T };
export function batch(run: () => void): void;
export function useState<T>(first: T | (() => T)): [T, (next: T | ((now: T) => T)) => void];
export function useRef<T>(first: T): { current: T };
export function useMemo<T>(make: () => T, inputs: unknown[]): T;
export function useEffect(run: () => unknown, inputs?: unknown[]): void;

declare global {
  interface FormData { get(name: string): string } // the page reads no files from forms
}
