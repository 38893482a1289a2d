/** The look of the lists and of the map beside them. */
export const CSS = `
.ex { --kind0: #4c0d5c; --kind1: #577bdf; --kind2: #ad7729; --kind3: #dc5085; --kind4: #241198; --kind5: #711f0c; }
.ex[data-theme=dark] { --kind0: #34e3f9; --kind1: #8263f2; --kind2: #b6ac0b; --kind3: #af5190; --kind4: #bce2a0; --kind5: #3a8434; }
.swatch { width: 12px; height: 12px; flex: none; vertical-align: -1px; margin-right: .25rem; } .kinds { max-height: 7rem; overflow: auto; scrollbar-width: thin; }
.search { margin-top: .7rem; } .search input { width: 13rem; } .ex > [role=status] { margin-top: .35rem; }
.columns { display: grid; grid-template-columns: repeat(auto-fill, minmax(8.4rem, 1fr)); column-gap: .9rem; margin-top: .9rem; }
.column { min-width: 0; display: grid; grid-row: span 6; grid-template: subgrid / minmax(0, 1fr); align-content: start; margin-bottom: 1.1rem; border-top: 3px solid var(--line); padding-top: .35rem; } .column.gold { border-top-color: var(--fg); } .column.shown { border-top-color: var(--real); } .column.control { border-top-style: dashed; border-top-color: var(--control); }
.column .name { line-height: 1.25; overflow-wrap: anywhere; } .column .muted { line-height: 1.35; }
.score { display: block; width: 100%; height: 30px; margin: .05rem 0 .1rem; overflow: visible; } .score text { font: 11px system-ui, "Liberation Sans", sans-serif; fill: var(--muted); } .axis { stroke: var(--edge); }
.this { fill: var(--real); } .score.kin .this { fill: var(--mark); } .mean { stroke: var(--fg); stroke-width: 2; } .chance { stroke: var(--control); stroke-width: 2; stroke-dasharray: 3 2; }
ol { list-style: none; margin: .2rem 0 0; padding: 0; } li { display: grid; grid-template-columns: .95rem minmax(0, 1fr) auto; align-items: center; min-height: 1.75rem; border-radius: 5px; font-size: .86rem; }
li > span:first-child { color: var(--muted); font-size: .75rem; font-variant-numeric: tabular-nums; } li button { all: unset; display: flex; align-items: center; cursor: pointer; padding: .12rem .1rem; letter-spacing: -.005em; border-radius: 4px; overflow-wrap: anywhere; line-height: 1.25; min-height: 1.5rem; box-sizing: border-box; }
li button span { min-width: 0; } li button:hover { text-decoration: underline; } li button:focus-visible { outline: 2px solid var(--focus); } li.hit button { font-weight: 650; } li.near { background: var(--soft); box-shadow: inset 0 0 0 1px var(--edge); }
.marks { color: var(--real); font-size: .8rem; white-space: nowrap; } .marks .kin { color: var(--mark); margin-left: .1rem; }
.map { min-width: 0; grid-row: span 6; margin-bottom: 1rem; } .map .frame { position: relative; aspect-ratio: 1; max-width: 26rem; border: 1px solid var(--line); border-radius: 8px; overflow: hidden; cursor: crosshair; margin-top: .4rem; background: var(--bg); }
.map.wide { display: grid; grid-template-columns: minmax(0, 26rem) minmax(12rem, 1fr); gap: 0 1.2rem; align-items: start; } .map.wide .bar { grid-column: 1 / -1; } .map.wide .shared { margin-top: .4rem; } .map .muted { margin-top: .4rem; } .map.beside .frame { max-width: 19rem; }
.map.roomy { display: grid; grid-template-columns: minmax(0, 19rem) minmax(8rem, 1fr); gap: 0 1.2rem; align-content: start; } .map.roomy .bar { grid-column: 1 / -1; }
.map canvas { position: absolute; inset: 0; width: 100%; height: 100%; } .map svg { position: absolute; inset: 0; width: 100%; height: 100%; pointer-events: none; } .map svg text { font: 12px system-ui, "Liberation Sans", sans-serif; fill: var(--fg); paint-order: stroke; stroke: var(--bg); stroke-width: 3.5px; stroke-linejoin: round; }
.map .ray { stroke: var(--real); stroke-width: 1.2; opacity: .7; } .map .dot { fill: var(--bg); stroke: var(--real); stroke-width: 2; } .map .hit .dot { fill: var(--real); } .map .self { fill: var(--fg); } .map text.self { font-weight: 700; } .map .ring { fill: none; stroke: var(--fg); stroke-width: 2; }
.shared { margin-top: .8rem; padding: .45rem .7rem; background: var(--soft); border-radius: 6px; min-height: 3.1em; overflow-wrap: anywhere; } .key { display: flex; flex-wrap: wrap; gap: .1rem 1.1rem; margin-top: .5rem; }
.key svg { width: 22px; height: 12px; vertical-align: -1px; } .foot { margin-top: .6rem; }
@container (min-width: 500px) { .columns { grid-template-columns: repeat(auto-fill, minmax(9.3rem, 1fr)); column-gap: 1.1rem; } li { font-size: inherit; grid-template-columns: 1.1rem minmax(0, 1fr) auto; } }`;
