/** The style sheet of the page: both themes, as the system has it, and any width from a phone's. */
export const STYLE = `
:root{color-scheme:light dark;
--ground:light-dark(#f8f8f6,#121413);--surface:light-dark(#fff,#191b1a);--sunken:light-dark(#f3f3f0,#0d0f0e);
--line:light-dark(#e2e2dc,#2d312f);--strong:light-dark(#8f928d,#6f756f);--text:light-dark(#1a1c1b,#e8e9e6);
--quiet:light-dark(#5a5d58,#a3a7a2);--accent:light-dark(#0a6b4d,#5ccda2);--accent-soft:light-dark(#e4f2ec,#17332a);
--get:light-dark(#0a6b4d,#5ccda2);--post:light-dark(#2153a8,#8fb8f5);--put:light-dark(#7a4f00,#e2b04e);
--delete:light-dark(#a82018,#f2948c);--options:light-dark(#5a5d58,#a3a7a2);
--mono:ui-monospace,"SF Mono","Cascadia Mono",Menlo,Consolas,"DejaVu Sans Mono",monospace;accent-color:var(--accent)}
*,*::before,*::after{box-sizing:border-box}
html{scroll-padding-top:1rem}
body{margin:0;background:var(--ground);color:var(--text);font:15px/1.6 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans",sans-serif}
h1,h2,h3,h4,p,ul,pre{margin:0;padding:0}ul{list-style:none}
a{color:var(--accent);text-decoration:underline;text-decoration-color:color-mix(in srgb,currentColor 40%,transparent);text-underline-offset:.15em}
a:hover{text-decoration-color:currentColor}
:focus-visible{outline:2px solid var(--accent);outline-offset:2px;border-radius:4px}
code,pre,.method{font-family:var(--mono);font-size:.87em}
code{overflow-wrap:anywhere}
[hidden]{display:none!important}
.skip{position:absolute;left:-100vw}.skip:focus{left:1rem;top:1rem;z-index:9;padding:.5rem 1rem;background:var(--surface)}
body>header,nav,main{padding:1.25rem}
nav{border-block:1px solid var(--line);background:var(--surface)}
body>header{display:flex;flex-wrap:wrap;gap:.25rem 1.5rem;align-items:baseline}
body>header p{display:flex;gap:1.25rem}
h1{font-size:1.2rem;letter-spacing:-.01em;margin-right:auto;display:flex;gap:.5rem;align-items:baseline}h1 img{align-self:center;width:1.4rem;height:1.4rem}h1 small{font-weight:400;color:var(--quiet);font-size:.85rem}
h2{font-size:1.35rem;letter-spacing:-.01em}h3{font-size:1.05rem}
h4{font-size:.8rem;color:var(--quiet);margin:1.4rem 0 .4rem}
h2+p,.lead{color:var(--quiet);max-width:70ch}
h3 a{color:inherit;text-decoration:none}h3 a:hover{text-decoration:underline}
main{display:grid;gap:3rem;min-width:0}
main>section{display:grid;gap:1.25rem;min-width:0}
article{background:var(--surface);border:1px solid var(--line);border-radius:10px;padding:1.25rem;min-width:0}
article:target{border-color:var(--accent);box-shadow:0 0 0 1px var(--accent)}
.request{margin:.35rem 0 .75rem;display:flex;gap:.6rem;align-items:baseline;flex-wrap:wrap}
.request .token{color:var(--quiet);font-size:.85rem}
.method{font-weight:700;font-size:.75rem;letter-spacing:.02em}
.GET{color:var(--get)}.POST{color:var(--post)}.PUT{color:var(--put)}.DELETE{color:var(--delete)}.OPTIONS{color:var(--options)}
.text>p{max-width:75ch}
pre{background:var(--sunken);border:1px solid var(--line);border-radius:8px;padding:.75rem .9rem;white-space:pre-wrap;overflow-wrap:anywhere;
font-size:.8rem;line-height:1.55}
pre b{font-weight:400;color:var(--accent)}
.head{display:flex;justify-content:space-between;align-items:end}.head button{margin-bottom:.4rem}
button{font:inherit;font-size:.8rem;color:var(--text);background:var(--surface);border:1px solid var(--strong);border-radius:6px;padding:.1rem .6rem;cursor:pointer}
.note{color:var(--quiet);font-size:.88rem;margin-bottom:.5rem}
.fields{font-size:.92rem}
.fields>li{padding:.45rem 0;border-top:1px solid var(--line)}
.fields>li:first-child{border-top:0}
.fields p{color:var(--quiet);max-width:70ch}
.fields details .fields{border-left:2px solid var(--line);padding-left:.9rem;margin-top:.3rem}
.name{font-weight:600}.type{color:var(--quiet);font-size:.88em;margin-left:.35rem}
em{font-style:normal;color:var(--accent);font-size:.85em;margin-left:.35rem}
.limits{display:block;font-size:.94em}.limits::first-letter{text-transform:uppercase}
summary{cursor:pointer;color:var(--quiet);font-size:.88rem;padding:.15rem 0}summary:hover{color:var(--text)}
details>summary>code{color:var(--text)}
.statuses>li{display:grid;grid-template-columns:2.6rem minmax(0,1fr);gap:.6rem;padding:.35rem 0;font-size:.92rem}
.statuses .status{font-weight:600}.statuses p{color:var(--quiet)}
input[type=search]{font:inherit;width:100%;padding:.4rem .7rem;color:var(--text);background:var(--ground);border:1px solid var(--strong);border-radius:8px}
label{font-size:.85rem;color:var(--quiet)}
kbd{font:.75rem var(--mono);border:1px solid var(--strong);border-radius:4px;padding:0 .3rem}
nav [role=status]{font-size:.85rem;color:var(--quiet);min-height:1.4rem;margin-top:.2rem}
nav h2{font-size:.8rem;color:var(--quiet);font-weight:600;letter-spacing:0;margin:1rem 0 .25rem}
nav h2 a{color:inherit;text-decoration:none}
nav li a{display:grid;grid-template-columns:3.4rem minmax(0,1fr);gap:.35rem;align-items:baseline;padding:.2rem .4rem;margin:0 -.4rem;border-radius:6px;color:var(--text);text-decoration:none;font-size:.88rem}
nav li a.plain{grid-template-columns:minmax(0,1fr)}
nav li a:hover{background:var(--sunken)}nav li a[aria-current]{background:var(--accent-soft)}
nav .method{font-size:.66rem}
@media (min-width:60rem){
body{display:grid;grid-template:auto minmax(0,1fr)/17.5rem minmax(0,1fr)}
body>header{grid-column:1/-1;border-bottom:1px solid var(--line);padding:.8rem 1.5rem}
nav{position:sticky;top:0;height:100vh;overflow:auto;border:0;border-right:1px solid var(--line)}
nav>details>summary{display:none}
main{padding:1.75rem 2rem 40vh}}
@media (max-width:59.99rem){nav:has(search:not([hidden])){position:sticky;top:0;z-index:2;max-height:70vh;overflow:auto;padding-block:.6rem}
nav [role=status]:empty{display:none}html{scroll-padding-top:8rem}}
@media (min-width:88rem){
main{max-width:104rem}
article{display:grid;grid-template-columns:minmax(0,1fr) minmax(0,40rem);gap:0 2rem;align-items:start}}
@media (pointer:coarse){kbd{display:none}}
@media (max-width:59.99rem){article{padding:1rem;margin-inline:-.5rem}}
@media (prefers-reduced-motion:no-preference){html{scroll-behavior:smooth}}
@media print{nav,button{display:none}}
`;
