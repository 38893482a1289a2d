/** The look of a null that grows. */
export const CSS = `
.ask { margin-top: .7rem; } .ex .how { margin-top: .45rem; } .num { white-space: nowrap; } .commit { border: 2px solid var(--focus); border-radius: 8px; padding: .6rem .8rem; margin: .7rem 0 0; min-width: 0; } .commit.done { border: 1px solid var(--line); }
.commit legend { font-weight: 650; padding: 0 .3rem; } .commit .bar { margin-top: .3rem; flex-wrap: nowrap; } input[type=range] { flex: 1 1 8rem; min-width: 0; min-height: 1.9rem; margin: 0; accent-color: var(--mark); } output { font-variant-numeric: tabular-nums; font-weight: 650; }
.ex input[type=number] { font: inherit; color: inherit; background: var(--bg); border: 1px solid var(--edge); border-radius: 6px; padding: .2rem .5rem; min-height: 2rem; width: 5.5rem; } .ex .button:disabled { opacity: .55; cursor: not-allowed; }
.plot { margin-top: .6rem; } .plot svg { display: block; } .plot text { font: 13px system-ui, -apple-system, "Segoe UI", "Liberation Sans", sans-serif; fill: var(--fg); paint-order: stroke; stroke: var(--bg); stroke-width: 4px; stroke-linejoin: round; } .plot text.mark { fill: var(--muted); font-size: 12px; stroke: none; }
.axis, .tick { stroke: var(--edge); } .bin { fill: var(--control); opacity: .75; } line.observed { stroke: var(--real); stroke-width: 2.5; } line.guess { stroke: var(--mark); stroke-width: 2; stroke-dasharray: 2 3; } line.null { stroke: var(--control); stroke-width: 2; stroke-dasharray: 6 3; }
.plot text.observed { fill: var(--real); font-weight: 650; } .plot text.guess { fill: var(--mark); } .plot text.null { fill: var(--control); }
.result { margin-top: .6rem; padding: .5rem .8rem; background: var(--soft); border-radius: 6px; min-height: 3.2em; overflow-wrap: anywhere; } .result p + p { margin-top: .25rem; } .result p:last-child:not(:first-child) { font-weight: 650; } .runs { margin-top: .6rem; }
.ex summary { padding: .15rem 0; } .scroll table { margin-top: .3rem; }`;
