import * as fs from "node:fs";
import * as path from "node:path";
import { ignorer } from "../../components/image/ignoreRules";
import { repositoryOf } from "../../components/image/trackedFiles";
import { type Token, tokens } from "./elixirTokens";

/**
 * What there is to say of an app whose mix.exs or config/ asks git: whether git can tell anything in the build, which has
 * .git only where the app's .dockerignore takes it in. Undefined where nothing is asked, or can be told.
 */
export function gitQuestion(app: string): string | undefined {
    const asks = ["mix.exs", "config/config.exs", "config/prod.exs"].find((name) =>
        asksGit(path.join(app, name)),
    );
    if (asks === undefined) return undefined;
    const rules = path.join(app, ".dockerignore");
    const isSent = !ignorer(`**/.git\n${fs.existsSync(rules) ? fs.readFileSync(rules, "utf8") : ""}`)(
        ".git/HEAD",
    );
    const repository = repositoryOf(app);
    if (repository !== undefined && path.relative(repository, app) !== "") {
        return `${asks} asks git, which tells nothing in the build: .git is in ${path.relative(app, repository)}, and a build has the app's folder`;
    }
    return isSent
        ? undefined
        : `${asks} asks git, which tells nothing in the build: a line "!.git" in .dockerignore sends .git`;
}

function asksGit(file: string): boolean {
    if (!fs.existsSync(file)) return false;
    const names = ({ kind, text, inside }: Token): boolean =>
        (kind === "string" && /^(git$|git |(\.\.\/)*\.git(\/|$))/.test(text)) || inside.some(names);
    return tokens(fs.readFileSync(file, "utf8")).some(names);
}
