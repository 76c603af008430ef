/** The fonts of the pictures: the same on every machine, with one for every script in them. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** By what fontconfig finds them, the packages of Debian that have them. */
const NEEDED: Readonly<Record<string, string>> = {
  Inter: "fonts-inter",
  ":lang=hi": "fonts-lohit-deva",
  "Noto Color Emoji": "fonts-noto-color-emoji",
};
const CONFIGURATION = () => `<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <include>/etc/fonts/fonts.conf</include>
${["system-ui", "sans-serif", "sans"].map(preferred).join("\n")}
</fontconfig>
`;

/** For browsers that are started from now on; throws where a font isn't installed. */
export function useFonts(): void {
  const missing = Object.entries(NEEDED).filter(
    ([pattern]) => spawnSync("fc-list", [pattern], { encoding: "utf8" }).stdout === "",
  );
  if (missing.length > 0)
    throw new Error(`install the packages ${missing.map(([, name]) => name).join(", ")} first`);
  const path = join(mkdtempSync(join(tmpdir(), "postern-fonts-")), "fonts.conf");
  writeFileSync(path, CONFIGURATION());
  process.env["FONTCONFIG_FILE"] = path;
}

const preferred = (family: string) => `  <match target="pattern">
    <test name="family"><string>${family}</string></test>
    <edit name="family" mode="prepend" binding="strong"><string>Inter</string></edit>
  </match>`;
