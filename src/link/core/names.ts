/** Names as CO-RE compares them: what follows a triple underscore is the flavour, and says nothing about the kernel's type. */

/** `sk_buff___old` -> `sk_buff`. The underscores must stand between two other characters. */
export function essentialName(name: string): string {
  if (!name.includes('___')) return name;
  const match = /^.*[^_]___(?=[^_])/.exec(name);
  return match === null ? name : match[0].slice(0, -3);
}

export function sameEssence(a: string, b: string): boolean {
  return essentialName(a) === essentialName(b);
}
