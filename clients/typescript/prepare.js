// Builds `dist` when npm installs this folder or packs it. First installs what the build needs, if nobody has yet.

import { execSync } from "node:child_process";
import { createRequire } from "node:module";

const { resolve } = createRequire(import.meta.url);

function isInstalled(name) {
  try {
    return Boolean(resolve(name));
  } catch {
    return false;
  }
}

if (!["openapi-fetch", "typescript"].every(isInstalled)) {
  execSync("npm install --ignore-scripts --no-save --no-audit --no-fund", { stdio: "inherit" });
}
execSync("npm run --silent build", { stdio: "inherit" });
