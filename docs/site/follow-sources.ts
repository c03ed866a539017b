/** Writes a page anew when its source changes, while the development server runs. */
import path from "node:path";
import type { Plugin } from "vitepress";
import { type Folders, writePage } from "./pages.ts";

/** @param files the files of the repository that are on the site */
export function followSources(files: readonly string[], folders: Folders): Plugin {
  return {
    name: "follow-sources",
    configureServer({ watcher }) {
      watcher.add(files.map((file) => path.join(folders.repository, file)));
      watcher.on("change", (changed) => {
        const file = path.relative(folders.repository, changed).replaceAll("\\", "/");
        if (files.includes(file)) writePage(file, folders);
      });
    },
  };
}
