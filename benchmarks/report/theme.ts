/** The colours of one scheme. Text has a contrast of at least 4.5 to the two grounds, marks of at least 3 (held by a test). */
export interface Scheme {
  readonly ground: string
  readonly panel: string
  readonly text: string
  readonly quiet: string
  readonly rule: string
  /** Of the files compared, or the curves of a chart, in order; every one has a letter or a shape beside it. */
  readonly marks: readonly string[]
  /** A whisker is seen on the bar and beside it. */
  readonly whisker: string
  readonly reached: string
  readonly missed: string
}

// Marks: blue, orange, green, purple, grey after Okabe and Ito's palette for all kinds of colour vision, made darker or lighter
// until the contrast is right.
export const LIGHT: Scheme = {
  ground: '#ffffff',
  panel: '#f5f6f8',
  text: '#1b1f24',
  quiet: '#545c66',
  rule: '#d5d9df',
  marks: ['#1a7ab8', '#c25700', '#00805d', '#a8488a', '#5f6875'],
  whisker: '#1b1f24',
  reached: '#0b6b3a',
  missed: '#a8261d',
}

export const DARK: Scheme = {
  ground: '#14171b',
  panel: '#1e2329',
  text: '#e8ebef',
  quiet: '#a7b0bb',
  rule: '#3a424c',
  marks: ['#4ba3dc', '#e59a1f', '#2fb98d', '#d98cb9', '#9aa5b1'],
  whisker: '#f4f6f8',
  reached: '#5fd39a',
  missed: '#ff8f85',
}

function variables(scheme: Scheme): string {
  const { marks, ...single } = scheme
  const named = Object.entries(single).map(([name, colour]) => `--${name}:${colour}`)
  return [...named, ...marks.map((colour, index) => `--mark${index}:${colour}`)].join(';')
}

/** How many files or curves have a colour of their own. */
export const MARKS: number = LIGHT.marks.length

/** The style of the page. Dark is for screens only: a print is always light. */
export const STYLE = `
:root{color-scheme:light dark;${variables(LIGHT)}}
@media screen and (prefers-color-scheme:dark){:root{${variables(DARK)}}}
*{box-sizing:border-box}
body{margin:0 auto;padding:1.5rem 1rem 3rem;max-width:60rem;background:var(--ground);color:var(--text);font:1rem/1.5 system-ui,sans-serif}
h1{font-size:1.6rem;line-height:1.25;margin:0 0 .75rem}
h2{font-size:1.3rem;margin:2.5rem 0 .25rem;padding-top:.75rem;border-top:2px solid var(--rule)}
h3{font-size:1.05rem;margin:1.75rem 0 .5rem;overflow-wrap:anywhere}
h4{font-size:.9rem;margin:1rem 0 .35rem}
p{margin:.4rem 0}
a{color:inherit}
code{font:.875em/1.5 ui-monospace,monospace;overflow-wrap:anywhere}
.quiet,figcaption,dt{color:var(--quiet)}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.15rem .9rem;margin:.5rem 0 1rem}
dd{margin:0;overflow-wrap:anywhere}
nav ul{display:flex;flex-wrap:wrap;gap:.2rem 1.1rem;padding:0;margin:.5rem 0;list-style:none}
section.bench{margin-bottom:1.5rem}
figure{margin:0 0 .75rem;padding:.75rem .9rem;background:var(--panel);border-radius:.4rem;break-inside:avoid}
figcaption{font-size:.875rem;margin-bottom:.6rem}
figcaption strong{color:var(--text)}
.bars{display:grid;gap:.55rem}
.bar{display:grid;grid-template-columns:minmax(9rem,17rem) 1fr;gap:0 .9rem;align-items:center;break-inside:avoid}
.bars+h4,.bars+.bar{margin-top:.9rem}
figure h4:first-of-type{margin-top:.2rem}
.latency+.latency{margin-top:.2rem}
.name{font-size:.9rem;line-height:1.3;overflow-wrap:anywhere}
.strip{display:grid;grid-template-columns:1fr 9.5rem;gap:.7rem;align-items:center}
.strip.many{grid-template-columns:1.2rem 1fr 13.5rem;gap:.5rem}
.strip+.strip{margin-top:.15rem}
.value{font-size:.875rem;line-height:1.25;font-variant-numeric:tabular-nums;overflow-wrap:anywhere}
.value .quiet{margin-left:.5rem;white-space:nowrap;font-size:.8125rem}
svg{display:block;width:100%;overflow:visible;font:13px system-ui,sans-serif}
svg text{fill:var(--quiet)}
.track{fill:var(--rule);opacity:.45}
.grid{stroke:var(--rule);stroke-width:1}
.axis{stroke:var(--quiet);stroke-width:1}
.whisker{stroke:var(--whisker);stroke-width:1.5;fill:none}
.middle{stroke:var(--whisker);stroke-width:3}
.point{stroke:var(--panel);stroke-width:1}
${LIGHT.marks.map((_, index) => `.m${index}{fill:var(--mark${index})}.l${index}{stroke:var(--mark${index});stroke-width:2.25;fill:none}`).join('')}
.plot{display:grid;grid-template-columns:4.25rem 1fr;padding-right:1.5rem}
.key{display:flex;flex-wrap:wrap;gap:.2rem 1.1rem;margin:.35rem 0 .6rem;padding:0;list-style:none;font-size:.875rem}
.key li{display:flex;align-items:center;gap:.4rem;overflow-wrap:anywhere}
.key svg{flex:none;width:16px;height:16px}
.chips{display:flex;flex-wrap:wrap;gap:.4rem;margin:.5rem 0;padding:0;list-style:none}
.chip{padding:.15rem .6rem;border:1px solid var(--rule);border-radius:.9rem;font-size:.875rem;line-height:1.4;break-inside:avoid}
.chip b{font-variant-numeric:tabular-nums}
.reached{color:var(--reached);font-weight:600;white-space:nowrap}
.missed{color:var(--missed);font-weight:600;white-space:nowrap}
.scroll{overflow-x:auto;margin:.5rem 0}
table{border-collapse:collapse;width:100%;font-size:.875rem;line-height:1.35}
caption{text-align:left;color:var(--quiet);padding-bottom:.2rem}
th,td{padding:.3rem .7rem .3rem 0;text-align:right;vertical-align:top;border-bottom:1px solid var(--rule);font-variant-numeric:tabular-nums}
thead th{color:var(--quiet);font-weight:600;vertical-align:bottom}
th:first-child,td.text,thead th.text{text-align:left}
tbody th{font-weight:400;min-width:9rem}
td.text{min-width:9rem}
td{white-space:nowrap}
td.text{white-space:normal}
.notes{font-size:.875rem;padding-left:1.1rem}
@media (max-width:40rem){
body{padding:1rem .75rem 2rem}
.bar{grid-template-columns:1fr;gap:.15rem}
.strip,.strip.many{grid-template-columns:1fr 8.5rem}
.strip.many{grid-template-columns:1.2rem 1fr 8.5rem}
.value .quiet{margin:0;display:block}
.strip+.strip{margin-top:.4rem}
figure{padding:.6rem}
dl{grid-template-columns:1fr;gap:0}
dd{margin-bottom:.35rem}
.plot{grid-template-columns:3.75rem 1fr}
.targets thead{display:none}
.targets tr{display:block;padding:.4rem 0;border-bottom:1px solid var(--rule)}
.targets td{display:block;padding:0;border:0}
.targets td:first-child{font-weight:600}
}
@media print{
*{print-color-adjust:exact;-webkit-print-color-adjust:exact}
body{max-width:none;padding:0;font-size:10pt}
nav{display:none}
.scroll{overflow:visible}
h2,h3,h4{break-after:avoid}
}
`
