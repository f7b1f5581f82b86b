/** What a poll hands over when it is done, target by target: devices (with the program of the devmap's entry) and queues of CPUs. */
import type { Device } from '../runtime/device.ts';
import type { Prog } from '../runtime/prog.ts';
import type { RedirectMap } from '../runtime/redirect-map.ts';
import type { Flight } from './flight.ts';

interface CpuQueue {
  readonly map: RedirectMap;
  readonly cpu: number;
  readonly flights: Flight[];
}

/** Flights by target, in the order in which targets were first met. */
export class Bulk {
  readonly devices = new Map<
    string,
    { readonly device: Device; readonly prog: Prog | undefined; readonly flights: Flight[] }
  >();
  readonly cpus = new Map<string, CpuQueue>();

  add(device: Device, prog: Prog | undefined, one: Flight): void {
    const key = `${device.ifindex} ${prog?.id ?? 0}`;
    const found = this.devices.get(key);
    if (found === undefined) this.devices.set(key, { device, prog, flights: [one] });
    else found.flights.push(one);
  }

  /** @returns false when the CPU's queue is full */
  addCpu(map: RedirectMap, cpu: number, size: number, one: Flight): boolean {
    const key = `${map.id} ${cpu}`;
    const found = this.cpus.get(key);
    if (found !== undefined && found.flights.length >= size) return false;
    if (found === undefined) this.cpus.set(key, { map, cpu, flights: [one] });
    else found.flights.push(one);
    return true;
  }
}
