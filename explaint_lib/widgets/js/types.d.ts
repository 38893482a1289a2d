// What Python hands to a widget, and what its parts hand to each other.

export type Buffer = ArrayBuffer | ArrayBufferView<ArrayBuffer>;

/** The part of anywidget's model that the widgets use; page.js has its like for a page without a kernel. */
export interface Model {
  // biome-ignore lint/suspicious/noExplicitAny: a trait may hold anything
  get(key: string): any;
  set(key: string, value: unknown): void;
  save_changes(): void;
  on(event: string, act: (message?: Message) => void): void;
  off(event: string, act: (message?: Message) => void): void;
  send(message: unknown): void;
  onPage?: boolean;
}
export interface Context {
  model: Model;
  el: HTMLElement;
}
/** What the kernel says. */
export interface Message {
  type: string;
  compute?: boolean;
  text?: string;
}
export type Handlers = Record<string, (message?: Message) => void>;
export type Get = Model["get"];

/** One widget on a page. */
export interface View {
  box: HTMLElement;
  close(): void;
  snapshot(): ViewState;
  restore(state: ViewState): void;
}
// biome-ignore lint/suspicious/noExplicitAny: a link may hold anything, and is checked before it is used
export type ViewState = { kind: string } & Record<string, any>;
/** A figure of a published page. */
export type Figure = HTMLElement & { explaintView?: View };

/** A token pointed at, or a pair: query and key; the panel where it was. */
export interface Spot {
  q: number | null;
  k: number | null;
  panel?: number;
}

export interface Stored {
  steps: number[];
  rows_sum: boolean;
  causal: boolean;
}
export type Identity = Record<string, number[][]>;
export interface AttentionMeta {
  layers: number;
  heads: number;
  n: number;
  tokens: string[];
  special: boolean[];
  word_ids: number[] | null;
  words: string[] | null;
  name: string;
  control: string | null;
  summaries: string[];
  head_names: string[] | null;
  stored: Stored;
  control_stored: Stored | null;
  identity: Identity | null;
  control_identity: Identity | null;
  turn?: number;
}
/** One of the maps, real or control. */
export interface AttentionMap extends Stored {
  name: string;
  glyph: string;
  colour: string;
  identity: Identity | null;
  data: Uint8Array;
  rolled: Float32Array[];
  means: Float32Array[];
}
/** What a row and a column stand for. */
export interface Item {
  full: string;
  text: string;
  special: boolean;
  at: number[];
}
/** What a picture of one map is made from. */
export interface Drawing {
  items: Item[];
  matrix: Float32Array;
  scale: number;
  identity: number[] | null;
  width: number;
  colour: string;
  name: string;
  rgb: number[];
  percent: (weight: number) => string;
}
export interface Figured {
  svg: SVGSVGElement;
  paint(spot: Spot): void;
  locate(event: MouseEvent): Spot | null;
  tabStop(spot: Spot): void;
  focus(spot: Spot): void;
  note: string;
}
export type Panel = Figured & {
  name: string;
  glyph: string;
  colour: string;
  matrix: Float32Array;
  whole: Float32Array;
  identity: number[] | null;
};

export interface NeighbourMeta {
  words: string[];
  conditions: string[];
  k: number;
  overlap: number[];
  controls: string[];
  categories: (string | null)[] | null;
  feature_names: string[] | null;
  features: number[][] | null;
}

/** What was dealt to a reader who guesses. */
export interface Dealt {
  order: number[];
  named: boolean;
}
export interface Round {
  question: string;
  hint?: string;
  answers: string[];
  right: number;
  after: string;
  /** How to read what is shown without names. */
  key?: string;
  /** What else there is to say, below what is guessed at. */
  more?: string;
}
