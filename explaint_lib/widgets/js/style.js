/** The look that every widget shares; the shadow root of each holds a copy. */
export const CSS_BASE = `
:host { display: block; }
.ex { --fg: #1b1f27; --muted: #565f6d; --line: #d4d9e1; --edge: #8a93a1; --soft: #f2f5f9; --real: #0068a8; --control: #b34700;
  --mark: #7a3c86; --focus: #0068a8; --bg: var(--jp-layout-color0, var(--pst-color-background, Canvas));
  container-type: inline-size; box-sizing: border-box; overflow-wrap: break-word; color: var(--fg); background: var(--bg); border: 1px solid var(--line);
  border-radius: 10px; padding: .9rem 1rem 1rem; font: 14px/1.45 system-ui, -apple-system, "Segoe UI", "Liberation Sans", sans-serif; }
.ex[data-theme=dark] { --fg: #e8ebf1; --muted: #aab3c0; --line: #3a424e; --edge: #7d8796; --soft: #232a34; --real: #6fbcf5; --control: #f5a15f;
  --mark: #d9a5e3; --focus: #6fbcf5; color-scheme: dark; }
.ex *, .ex *::before { box-sizing: border-box; }
.ex .title { font-size: 1.05rem; font-weight: 650; line-height: 1.3; letter-spacing: -.005em; text-wrap: balance; }
.ex .name { font-size: .95rem; font-weight: 650; }
.ex p { margin: 0; } .ex .muted { color: var(--muted); font-size: .86rem; } .ex b { font-weight: 650; }
.ex .bar { display: flex; flex-wrap: wrap; gap: .5rem .9rem; align-items: center; }
.ex label { display: inline-flex; gap: .4rem; align-items: center; min-width: 0; max-width: 100%; } .ex select { min-width: 0; } .ex .bar > * { min-width: 0; max-width: 100%; }
.ex select, .ex input[type=text], .ex input[type=search], .ex .button { font: inherit; color: inherit; background: var(--bg);
  border: 1px solid var(--edge); border-radius: 6px; padding: .2rem .5rem; min-height: 2rem; max-width: 100%; }
.ex .button { cursor: pointer; } .ex .button:hover { background: var(--soft); }
.ex input[type=checkbox] { accent-color: var(--focus); width: 1rem; height: 1rem; margin: 0; }
.ex :focus-visible { outline: 2px solid var(--focus); outline-offset: 2px; }
.ex .seg { display: inline-flex; border: 1px solid var(--edge); border-radius: 6px; padding: 0; margin: 0; overflow: clip; min-width: 0; max-width: 100%; justify-self: start; }
.ex .seg label { overflow-wrap: anywhere; padding: .2rem .7rem; cursor: pointer; min-height: 1.9rem; }
.ex .seg label + label { border-left: 1px solid var(--edge); }
.ex .seg label:has(:checked) { background: var(--focus); color: var(--bg); font-weight: 600; }
.ex .seg label:has(:focus-visible) { box-shadow: inset 0 0 0 2px var(--bg), inset 0 0 0 3px var(--fg); }
.ex .seg input, .ex .hidden { position: absolute; width: 1px; height: 1px; margin: 0; overflow: hidden; opacity: 0; clip-path: inset(50%); white-space: nowrap; }
.ex table { border-collapse: collapse; font-size: .86rem; font-variant-numeric: tabular-nums; }
.ex th, .ex td { text-align: left; padding: .12rem .7rem .12rem 0; border-bottom: 1px solid var(--line); font-weight: normal; overflow-wrap: anywhere; } .ex th { overflow-wrap: break-word; }
.ex thead th { font-weight: 650; } .ex caption { text-align: left; padding-bottom: .3rem; color: var(--muted); } .ex .num { text-align: right; }
.ex summary { cursor: pointer; } .ex .scroll { overflow: auto; max-height: 20rem; }
.ex .error { border-left: 4px solid var(--control); padding: .3rem .8rem; margin-top: .6rem; overflow-wrap: anywhere; } .ex .error:empty { display: none; }
.ex .strong { background: var(--focus); border-color: var(--focus); color: var(--bg); font-weight: 600; } .ex .strong:hover { background: var(--fg); border-color: var(--fg); }
.ex .guess { margin: .5rem 0 .7rem; scroll-margin-top: 4rem; display: grid; grid-template-columns: minmax(0, 1fr); gap: .45rem; } .ex .playing { border: 2px solid var(--focus); border-radius: 8px; padding: .6rem .8rem; } .ex.asking .veil { display: none; }
.ex .said { min-height: 2.9em; } @container (max-width: 420px) { .ex .said { min-height: 4.4em; } } .ex .told { margin-top: .5rem; } .ex .told:empty { display: none; }
.ex details { margin-top: .5rem; } .ex .share input { flex: 1 1 12rem; min-width: 0; } .ex .share p { margin-top: .3rem; }
.ex .failed { border-left: 4px solid var(--control); padding: .3rem .8rem; }
@media (prefers-reduced-motion: no-preference) { .ex .ease { transition: opacity .15s; } }
@media (forced-colors: active) { .ex .seg label:has(:checked) { outline: 2px solid Highlight; outline-offset: -2px; } }
`;
