/** The look of the maps, which goes into a file with them, and of what stands around them. */

export const FIGURE_CSS = `text { font: 13px system-ui, -apple-system, "Segoe UI", "Liberation Sans", sans-serif; fill: var(--fg); }
.special text { font-style: italic; fill: var(--muted); } text.value { font-variant-numeric: tabular-nums; fill: var(--muted); font-size: 12px; }
.head { fill: var(--muted); font-size: 12px; } .on text { font-weight: 700; } .tok .back { fill: transparent; } .tok.on .back { fill: var(--soft); stroke: var(--edge); }
.link { fill: none; stroke: var(--ink); stroke-linecap: round; } .dim { opacity: .1; } .weight { fill: var(--ink); opacity: .28; }
.gauge { fill: none; stroke: var(--edge); stroke-width: .75; } .filled { fill: var(--mark); } .frame { fill: none; stroke: var(--edge); }
.cross { fill: none; stroke: var(--fg); stroke-width: 1.5; pointer-events: none; } .grid { stroke: var(--bg); stroke-width: 1; opacity: .55; }
.tag rect { fill: var(--bg); } .tag text { font-weight: 700; }`;

export const CSS = `${FIGURE_CSS.replace(/^text/, ":where(svg.figure) text")}
.top { display: grid; gap: .9rem 1.4rem; margin-top: .7rem; } .controls { display: grid; gap: .65rem; align-content: start; min-width: 0; }
.heads { display: grid; gap: 2px; justify-content: start; max-height: 15rem; overflow: auto; padding: 3px; scrollbar-width: thin; }
.heads [role=presentation] { display: contents; } .heads span { font-size: 11px; line-height: 1; color: var(--muted); place-self: center; font-variant-numeric: tabular-nums; }
.heads button { padding: 0; border: 1px solid var(--line); border-radius: 3px; background: var(--bg); cursor: pointer; aspect-ratio: 1; line-height: 0; overflow: clip; }
.heads button:hover { border-color: var(--fg); } .heads [aria-checked=true] { outline: 2px solid var(--fg); outline-offset: 1px; }
.heads [aria-checked=true]:focus-visible { outline: 3px solid var(--focus); } .heads canvas { width: 100%; height: 100%; image-rendering: pixelated; }
.panels { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 290px), 1fr)); gap: .4rem 1.2rem; margin-top: .9rem; border-top: 1px solid var(--line); padding-top: .7rem; }
.panel { min-width: 0; display: grid; grid-row: span 3; grid-template-rows: subgrid; align-items: start; } .panels { row-gap: 0; } .panel svg { margin-bottom: .5rem; } .panel svg { display: block; max-width: 100%; height: auto; touch-action: manipulation; } .panel svg :focus { outline: none; }
.panel svg .tok:focus-visible .back { stroke: var(--focus); stroke-width: 2.5; } .panel svg [data-matrix]:focus-visible + * + .frame { stroke: var(--focus); stroke-width: 3; }
.panel .name { color: var(--ink); } .panel .name span { margin-right: .35rem; } .long { max-height: 36rem; overflow: auto; scrollbar-width: thin; }
.status { margin-top: .6rem; min-height: 3.2em; padding: .45rem .7rem; background: var(--soft); border-radius: 6px; overflow-wrap: anywhere; }
.scale { display: inline-block; width: 5rem; height: .6rem; border: 1px solid var(--edge); border-radius: 2px; margin: 0 .15rem; vertical-align: -1px; background: linear-gradient(to right, transparent, var(--ink)); }
.foot { margin: .6rem 0; } form.bar { margin-top: .7rem; } form label { flex: 1 1 20rem; white-space: nowrap; } form input { flex: 1 1 8rem; min-width: 0; }
@container (min-width: 600px) { .top { grid-template-columns: minmax(0, 1fr) minmax(15rem, .85fr); } }`;
