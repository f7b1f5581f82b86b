import { test } from 'vitest';
import { adjustCases, contextCases } from './cases/adjust.ts';
import { packetBytesCases, redirectCases, csumCases, csumNull, csumSizes, csumInputs } from './cases/packet-bytes.ts';
import { mapCases, mapCreateCases, progArrayCases } from './cases/map.ts';
import { words } from './cases/bytes.ts';
import { observe, loadCaseProg } from './run.ts';
import { returnName } from './errno.ts';
import * as bpf from './bpf.ts';
const hx = (b: Uint8Array) => Buffer.from(b).toString('hex');
const why = (c: any, o: any) => { try { const fds = (c.maps??[]).map((m:any)=>bpf.createMap(m)); for (const p of c.progs) loadCaseProg(p,fds); } catch (e) { console.log(c.name, o.refused, String(e).slice(0,1000)); } };
test('probe', () => {
  for (const c of [...adjustCases.filter(c=>/longest|fragment/.test(c.name)), ...contextCases.filter(c=>/short/.test(c.name))]) {
    const o = observe(c); const s:any=o.steps[0];
    console.log(c.name, o.refused ?? '', s?.error ?? [s.retval, s.data.length, s.ctx && [...new Uint32Array(s.ctx.buffer)].join(',')].join(' '));
      if (o.maps[0]) { const w = words(o.maps[0]![0]![1]); for (let i=0;i<w.length;i+=4) if (w[i+3]) console.log('    ', w.slice(i,i+4).map(x=>returnName(BigInt.asIntN(64,x))).join(' ')); }
  }
  for (const c of [...packetBytesCases, ...redirectCases]) {
    const o = observe(c); if (o.refused) { why(c,o); continue; }
    console.log(c.name);
    let line=''; 
    o.steps.forEach((s:any,i)=>{ const st:any=c.steps[i]; if (st.op==='update') { if (st.value.length===8) line += ' ' + words(hx(st.value))[0]!.toString(16)+':'; } if (st.op==='run') line += s.error ?? returnName(s.retval|0); if (st.op==='lookup' && process.env.V) line += '='+hx(s.value).slice(0,16); });
    console.log('  ', line);
  }
  { const o = observe(csumNull); why(csumNull,o); }
  const all = new Set<string>();
  for (const c of csumCases) {
    const o = observe(c); if (o.refused) { why(c,o); continue; }
    const r = o.steps.filter((s:any)=>s.value).map((s:any)=>returnName(BigInt.asIntN(64,words(hx(s.value))[1]!)).replace(/^\d+$/,x=>Number(x).toString(16)));
    console.log(c.name, [...r.slice(0,10), '|', ...r.slice(10,20), '|', ...r.slice(20,30),'|',...r.slice(40)].join(' '));
  }
  for (const c of mapCreateCases) console.log(c.name, observe(c).refused ?? 'ok');
  for (const c of [...progArrayCases, ...mapCases]) {
    const o = observe(c); if (o.refused) { why(c,o); continue; }
    console.log(c.name);
    let line='';
    o.steps.forEach((s:any,i)=>{ const st:any=c.steps[i];
      if (st.op==='update'&&st.map===1) { return; }
      const prev:any=c.steps[i-1];
      if (st.op==='lookup'&&st.map===1) { line+='='+words(hx(s.value))[3]!.toString(16); return; }
      line += '; ';
      if (st.op==='run') { const w=words(hx(prev.value)); line += 'p.'+['update','delete','lookup'][st.prog]+' k='+w[0]!.toString(16)+(st.prog===0?' f='+w[1]!.toString(16):'')+' '+(s.error??returnName(s.retval|0)); }
      else line += 's.'+st.op+' k='+(st.key?hx(st.key):'-')+(st.flags!==undefined?' f='+st.flags.toString(16):'')+' '+(s.error ?? (s.value?hx(s.value):s.key?hx(s.key):'ok'));
    });
    console.log('  ', line, JSON.stringify(o.maps[0]));
  }
});
