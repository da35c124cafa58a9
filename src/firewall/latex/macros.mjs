// Writes `macros.txt`, the macros that pages know when they typeset LaTeX, and what they may be given, from MathJax's own tables
// (versions 3 and 4) and KaTeX's source.
//
//     mkdir D && cd D && npm install mathjax-full@3 @mathjax/src@4 katex
//     node src/firewall/latex/macros.mjs D > src/firewall/latex/macros.txt
//
// A macro is sorted by the function that reads its arguments. What is in no list here is refused, so a new one has to be looked at.

import fs from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";

const root = path.resolve(process.argv[2], "node_modules");
const require = createRequire(path.join(root, "x.js"));

// Functions of MathJax that only show something where they stand.
const PLAIN = new Set(`
Aboxed Accent AllowBreak ArrowBetweenLines AutoClose Axiom AxiomF BeginEnd Boldsymbol Bra BraKet Braket Break BreakAlign BuildRel CFrac
Cancel CancelTo CenterColon CenterOver ChangeBold Char ChooseFont ChooseTextFont Color ColorBox Commutator Cr CrLaTeX Cramped
DeclarePairedDelimiter DeclarePairedDelimiterX DeclarePairedDelimiterXPP DefineColor Derivative DiffD Differential Dots Emph EmpheqDelim
EmpheqMO Enclose Eval Expectation Expression FBox FCenter FColorBox FlushSpaceAbove FlushSpaceBelow Frac Genfrac HBox HFill HLine
HandleDeclareOp HandleLabel HandleNoTag HandleOperatorName HandleRef HandleTag Hsize IdentityMatrix Inference InferenceF Insert Ket KetBra
Label LeftRight Let Limits Linebreak Machine Macro MacroDef MacroWithTemplate MakeBig Math MathChoice MathFont MathMBox MathModeOnly
Matrix MatrixElement MatrixQuantity MultiIntegral NArrow NamedFn NamedOp NewColumnType NewCommand NewEnvironment NewTagForm NiceFrac
Nonscript Not OperatorApplication Over Overset Overunderset ParBox PauliMatrix Phantom Prescript Qqtext Quantity RawUnicode Relation Root
RootAtTop SelfQuote SetFont SetLine SetSize SetStyle ShortVDotsWithin SideSet Spacer SplitFrac Sqrt StarMacro Strut TableColor TeXAtom
TextColor TextFont Tilde UnderOver UnderOverBracket Underset Unit UnitFrac UseTagForm VBox VDotsWithin VectorBold VectorOperator Verb
Vnabla XMathStrut XMatrix DiagonalMatrix begingroup endgroup global minCDarrowheight minCDarrowwidth xArrow
`.trim().split(/\s+/));

// Functions that draw something elsewhere, or that make what stands beside it come nearer.
const MOVES = new Set(`
FrameBox HandleShove Hskip Lap MakeBox MathLap MathMakeBox MoveLeftRight MoveRoot MtLap RaiseLower Rule Smash rule
`.trim().split(/\s+/));
// The same, where the function is one of many uses.
const MOVING = new Set(`MoveEqLeft skew negmedspace negthickspace negthinspace llap rlap clap hspace smashoperator`.trim().split(/\s+/));

// Kinds of KaTeX's functions.
const KATEX = new Set(`
accent accentUnder xArrow mclass pmb textord color cr internal delimsizing leftright-right leftright middle enclose environment font genfrac
infix horizBrace hbox styling mathchoice op operatorname overline phantom vphantom reflectbox sqrt text underline vcenter verb
`.trim().split(/\s+/));
const KATEX_MOVES = new Set("kern lap raisebox rule smash".split(" "));
// What TeX itself has for macros, and what writes to the console.
const KATEX_REFUSED = new Set("noexpand expandafter message errmessage show tmspace char".split(" "));

const LINKS = new Set(["href", "url"]);

// By its name, the best that it is anywhere is not enough: the worst counts.
const ORDER = ["plain", "moves", "box", "links", "refused"];
const found = new Map();
function add(name, kind) {
  if (!/^[A-Za-z]+$/.test(name)) return;
  const before = found.get(name);
  if (!before || ORDER.indexOf(before) < ORDER.indexOf(kind)) found.set(name, kind);
}

function ofMathJax(name, reader, map) {
  if (LINKS.has(name)) return "links";
  if (name === "bbox") return "box";
  if (MOVING.has(name) || MOVES.has(reader)) return "moves";
  if (/Character|Delimiter/.test(map)) return "plain";
  return PLAIN.has(reader) ? "plain" : "refused";
}

function files(dir) {
  return fs.readdirSync(dir, { withFileTypes: true }).flatMap((entry) => {
    const file = path.join(dir, entry.name);
    return entry.isDirectory() ? files(file) : file.endsWith(".js") ? [file] : [];
  });
}

function mathJax(dir) {
  const names = new Set();
  for (const file of files(dir)) {
    try {
      require(file);
    } catch {
      // Some are only for the browser; what they define is read by name below.
    }
    for (const made of fs.readFileSync(file, "utf8").matchAll(/new [\w.]*Map\(\s*['"]([^'"]+)['"]/g)) names.add(made[1]);
  }
  const { MapHandler } = require(path.join(dir, "MapHandler.js"));
  for (const name of names) {
    const map = MapHandler.getMap(name);
    for (const [macro, token] of map?.map ?? []) {
      // What `\begin` takes is no macro.
      if (map.constructor.name === "EnvironmentMap") continue;
      const reader = token?._func?.name ?? token?.func?.name ?? "";
      // What is loaded when it is used first is in the table that it then comes from.
      if (reader !== "CheckAutoload") yieldMacro(macro.replace(/^\\/, ""), reader, map.constructor.name);
    }
  }
}

// Version 3 does not name its readers: what version 4 says counts, and what that does not know is looked at by name.
const unnamed = new Set();
const ONLY_3 = new Set(
  `longrightleftharpoons longRightleftharpoons longLeftrightharpoons longleftrightarrows tripledash xRightleftharpoons xLeftrightharpoons`.split(" "),
);
function yieldMacro(macro, reader, map) {
  if (reader || /Character|Delimiter/.test(map)) add(macro, ofMathJax(macro, reader, map));
  else unnamed.add(macro);
}

function katex(source) {
  for (const made of source.matchAll(/defineFunction\(\{\s*type: "([^"]+)",\s*names: (\[[^\]]*\])/g)) {
    const kind = KATEX_MOVES.has(made[1]) ? "moves" : KATEX.has(made[1]) ? "plain" : "refused";
    for (const name of made[2].matchAll(/"\\\\([A-Za-z]+)"/g)) add(name[1], LINKS.has(name[1]) ? "links" : kind);
  }
  for (const made of source.matchAll(/define(?:Macro|Symbol)\((?:[^"()]*, )*"\\\\([A-Za-z]+)"/g)) {
    add(made[1], KATEX_REFUSED.has(made[1]) ? "refused" : MOVING.has(made[1]) ? "moves" : "plain");
  }
}

mathJax(path.join(root, "mathjax-full/js/input/tex"));
mathJax(path.join(root, "@mathjax/src/cjs/input/tex"));
katex(fs.readFileSync(path.join(root, "katex/dist/katex.js"), "utf8"));
for (const name of unnamed) if (!found.has(name)) add(name, ONLY_3.has(name) ? "plain" : "refused");

for (const kind of ORDER) {
  const names = [...found].filter(([, is]) => is === kind).map(([name]) => name).sort();
  console.log(`${kind}: ${names.join(" ")}`);
}
