// Cases where our verifier does not answer as the kernel does yet, by file and name. Whoever makes one right takes it off the list.

export const KNOWN: ReadonlyMap<string, ReadonlySet<string>> = new Map([
  // Members of kernel structs beyond those that programs are known to read are not told to the verifier.
  ['kfuncs.yaml', new Set(['kernel ctx cast'])],
  // Linux lets a caller give NULL where the function was verified with a pointer that is never NULL: it faults there, so it is refused here.
  // Without BTF Linux cannot know that a function that tail-calls returns an int; here every function does.
  ['functions.yaml', new Set(['global, non-null memory is given NULL', 'tail call in a function without BTF'])],
  // Linux calls a callback that is left by a tail call a bug of its own; here it is refused for what it would return.
  ['tail-calls.yaml', new Set(['tail call in a callback'])],
]);
