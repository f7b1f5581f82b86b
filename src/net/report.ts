/** What happened in a network, as plain data: `JSON.stringify` takes it as it is. */
import type { BpfError } from '../errors/index.ts';
import type { ViolationLog, ViolationReport } from '../replay/report.ts';
import type { Device, DeviceStats } from '../runtime/device.ts';

export interface DeviceReport extends DeviceStats {
  readonly name: string;
  readonly ifindex: number;
  /** The program attached to it. */
  readonly prog?: string;
}

export interface NetworkReport {
  readonly devices: readonly DeviceReport[];
  readonly violations: { readonly count: number; readonly first: readonly ViolationReport[] };
  /** Captures that ended early; `input` counts from 0. */
  readonly errors: readonly { readonly input: number; readonly error: ReturnType<BpfError['toJSON']> }[];
}

export function networkReport(
  devices: readonly Device[],
  violations: ViolationLog,
  errors: readonly { readonly input: number; readonly error: BpfError }[],
): NetworkReport {
  return {
    devices: devices.map((device) => ({
      name: device.name,
      ifindex: device.ifindex,
      ...(device.prog !== undefined && { prog: device.prog.name }),
      ...device.stats,
    })),
    violations: { count: violations.count, first: violations.first },
    errors: errors.map(({ input, error }) => ({ input, error: error.toJSON() })),
  };
}
