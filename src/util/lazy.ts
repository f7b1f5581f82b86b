/**
 * Tables that are made when they are first asked for. Importing this package makes none: engines parse a function that is not called in a
 * fraction of the time that running it takes, and most programs need few of the tables.
 */
export function lazy<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}
