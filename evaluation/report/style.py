"""The report's style sheet: light and dark, screen and paper, 390 to 1,280 pixels; nothing is loaded from anywhere."""

CSS = """
:root{color-scheme:light dark;--paper:#fbfbf9;--card:#fff;--ink:#1d2329;--soft:#5b6670;--rule:#dcdfe0;--band:#f0f2f1;
--accent:#11698e;--good:#1e7145;--bad:#b23a2e;--null:#8a6d1f;--warn:#fff4d6;
--s0:#11698e;--s1:#c8553d;--s2:#588157;--s3:#8a5a9e;--s4:#b07d12;--s5:#6c757d}
@media (prefers-color-scheme:dark){:root{--paper:#14181b;--card:#1b2024;--ink:#e6e9ea;--soft:#a3adb4;--rule:#363e44;
--band:#232a2f;--accent:#6cc0e0;--good:#7fcf9c;--bad:#f0938a;--null:#d9b95c;--warn:#3a3218;
--s0:#6cc0e0;--s1:#f0907a;--s2:#9ccc8f;--s3:#c79bdb;--s4:#e0b44e;--s5:#aab4bb}}
*{box-sizing:border-box}
html{scroll-behavior:smooth;scroll-padding-top:12px}
body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,
"Helvetica Neue",Arial,sans-serif;overflow-wrap:anywhere}
.layout{max-width:1240px;margin:0 auto;padding:20px 16px 60px}
header{border-bottom:2px solid var(--ink);padding-bottom:14px;margin-bottom:18px}
h1{font-size:1.7rem;line-height:1.2;margin:0 0 4px}
h2{font-size:1.25rem;margin:2.4rem 0 .5rem;padding-bottom:4px;border-bottom:1px solid var(--rule)}
h3{font-size:1.02rem;margin:1.3rem 0 .3rem}
p{margin:.5rem 0;max-width:46rem}
a{color:var(--accent)}
.lede,.note,figcaption,.soft{color:var(--soft)}
.note{font-size:.88rem}
.notice{background:var(--warn);border-left:4px solid var(--null);padding:8px 12px;margin:12px 0;max-width:none}
dl.facts{display:grid;grid-template-columns:repeat(auto-fill,minmax(165px,1fr));gap:8px 18px;margin:12px 0 0}
dl.facts dt{font-size:.76rem;color:var(--soft)}
dl.facts dd{margin:0;font-weight:600;font-variant-numeric:tabular-nums}
nav{font-size:.92rem}
nav ol{list-style:none;margin:0;padding:0}
nav a{display:block;padding:3px 0;text-decoration:none}
nav a:hover{text-decoration:underline}
nav .sub a{padding-left:12px;font-size:.86rem}
main{min-width:0}
table{border-collapse:collapse;width:100%;font-size:.88rem;font-variant-numeric:tabular-nums;margin:.6rem 0}
th,td{text-align:left;vertical-align:top;padding:6px 8px;border-bottom:1px solid var(--rule)}
thead th{font-size:.76rem;font-weight:600;color:var(--soft);vertical-align:bottom}
tbody tr:hover{background:var(--band)}
td.num,th.num{text-align:right;white-space:nowrap}
td .sub,th .sub{display:block;color:var(--soft);font-size:.78rem;font-weight:400}
td.value{font-weight:650;white-space:nowrap}
td.drawn{width:185px;min-width:130px;padding-top:3px}td.against{min-width:178px}td.best{min-width:118px}
main>section:first-child h2{margin-top:0}
.better{color:var(--good);font-weight:600}.worse{color:var(--bad);font-weight:600}
svg{display:block;width:100%;height:auto}
.axis,.tick,.grid{stroke:var(--rule)}
.mark{stroke-width:1.6}.mark.chance{stroke:var(--soft);stroke-dasharray:2 2}.mark.null{stroke:var(--null)}
.mark.oracle{stroke:var(--good)}
.whisker{stroke:var(--accent);stroke-width:2}.dot{fill:var(--accent)}
.chart text{fill:var(--soft);font-size:11.5px}.chart .unit{font-style:italic}
.line{fill:none;stroke-width:1.8;stroke-linejoin:round}
.line.s0{stroke:var(--s0)}.line.s1{stroke:var(--s1)}.line.s2{stroke:var(--s2)}.line.s3{stroke:var(--s3)}
.line.s4{stroke:var(--s4)}.line.s5{stroke:var(--s5)}
.point.s0,.swatch.s0{fill:var(--s0);background:var(--s0)}.point.s1,.swatch.s1{fill:var(--s1);background:var(--s1)}
.point.s2,.swatch.s2{fill:var(--s2);background:var(--s2)}.point.s3,.swatch.s3{fill:var(--s3);background:var(--s3)}
.point.s4,.swatch.s4{fill:var(--s4);background:var(--s4)}.point.s5,.swatch.s5{fill:var(--s5);background:var(--s5)}
.bin{fill-opacity:.65}
.wide{overflow-x:auto}
.charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,330px),1fr));gap:18px}
figure{margin:0;background:var(--card);border:1px solid var(--rule);border-radius:6px;padding:10px}
figcaption{font-size:.86rem;font-weight:600;margin-bottom:4px}
.legend{display:flex;flex-wrap:wrap;gap:2px 14px;font-size:.8rem;color:var(--soft);margin-top:6px}
.swatch{display:inline-block;width:10px;height:10px;border-radius:2px;margin-right:5px}
.swatch.line-mark{width:0;height:13px;border-left:2px solid;border-radius:0;background:none;vertical-align:-2px}
.swatch.chance{border-left-style:dashed;border-color:var(--soft)}.swatch.null{border-color:var(--null)}
.swatch.oracle{border-color:var(--good)}
details{background:var(--card);border:1px solid var(--rule);border-radius:6px;margin:8px 0;padding:0 12px}
details[open]{padding-bottom:10px}
summary{cursor:pointer;padding:8px 0;font-weight:600;font-size:.92rem}
summary .soft{font-weight:400}
details details{background:var(--paper)}
.text{white-space:pre-wrap;unicode-bidi:isolate;font:.84rem/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;
margin:2px 0 8px;max-height:32rem;overflow:auto}
.turn{border-left:3px solid var(--rule);padding:0 0 0 10px;margin:8px 0}
.turn.assistant{border-color:var(--accent)}.turn.tool{border-color:var(--s2)}.turn.system{border-color:var(--s5)}
.role{font-size:.76rem;font-weight:600;color:var(--soft)}
footer{margin-top:3rem;padding-top:10px;border-top:1px solid var(--rule);font-size:.84rem;color:var(--soft)}
@media (min-width:1120px){.layout{display:grid;grid-template-columns:190px minmax(0,1fr);gap:0 34px;padding-top:28px}
header,footer{grid-column:1/-1}
nav{position:sticky;top:16px;align-self:start;max-height:calc(100vh - 32px);overflow:auto}}
@media (max-width:1119px){nav{border:1px solid var(--rule);border-radius:6px;background:var(--card);padding:8px 14px;
margin-bottom:10px}nav>ol{columns:2;column-gap:20px}}
@media (max-width:860px){body{font-size:15px}h1{font-size:1.4rem}dl.facts{grid-template-columns:1fr 1fr}
table.stack thead{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
table.stack,table.stack tbody,table.stack tr,table.stack td,table.stack th{display:block;width:auto}
table.stack tr{background:var(--card);border:1px solid var(--rule);border-radius:6px;padding:8px 12px;margin:10px 0}
table.stack th,table.stack td{border:0;padding:3px 0;text-align:left;white-space:normal}
table.stack td{display:grid;grid-template-columns:8.2rem minmax(0,1fr);gap:10px}
table.stack td::before{content:attr(data-label);color:var(--soft);font-size:.8rem;font-weight:400}
table.stack td.drawn{display:block;padding:4px 0}table.stack td.drawn::before{content:none}
table.stack td.empty{display:none}
table.stack td:not(.against) .sub{display:inline;margin-left:8px}
}
@media print{:root{--paper:#fff;--card:#fff;--ink:#000;--soft:#444}body{font-size:10.5pt}nav{display:none}
.layout{display:block;max-width:none;padding:0}details{break-inside:avoid}figure,tr{break-inside:avoid}
.text{max-height:none;overflow:visible}h2,h3{break-after:avoid}a{color:inherit}}
"""
