// Tracked numbers: bits known (value) and unknown (mask).
@unmanaged
export class Tnum {
  value: u64;
  mask: u64;
}
