// Registers that one comparison narrowed together, packed into 64 bits for the history.
export function linkedCount(packed: u64): u32 {
  return <u32>packed & 15;
}
export function linkedFrame(packed: u64, i: u32): u32 {
  return <u32>(packed >> (4 + i * 10)) & 7;
}
export function linkedIndex(packed: u64, i: u32): u32 {
  return <u32>(packed >> (7 + i * 10)) & 63;
}
export function linkedIsReg(packed: u64, i: u32): bool {
  return ((packed >> (13 + i * 10)) & 1) != 0;
}
