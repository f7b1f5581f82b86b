/** Declaration tags (`__attribute__((btf_decl_tag("...")))`) that say something of a function. */
import type { Btf } from './types.ts';

const EXCEPTION_CALLBACK = 'exception_callback:';

/** Names of the functions that handle what function `func` throws (`__exception_cb(NAME)`); Linux allows one. */
export function exceptionCallbackNames(btf: Btf, func: number): string[] {
  return btf.types.flatMap((tag) =>
    tag.kind === 'decl_tag' && tag.type === func && tag.name.startsWith(EXCEPTION_CALLBACK)
      ? [tag.name.slice(EXCEPTION_CALLBACK.length)]
      : [],
  );
}
