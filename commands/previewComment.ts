import { text } from "node:stream/consumers";
import { COMMENTS, type PullRequest, putComment } from "../ci/comments";
import { COMMENT, EVERYTHING, renderPreview } from "../ci/previewComment";
import { command, CommandError, say } from "./command";
import { placeOf, posted, readProject, readStack } from "./place";

// STACK [PLACE], for bin/preview-comment.

const USAGE =
    "./bin/preview-comment STACK [--github OWNER/REPO NUMBER | --gitlab PROJECT NUMBER] < preview.json";

interface Target {
    service: keyof typeof COMMENTS;
    pullRequest: PullRequest;
}

function targetOf([flag, project = "", number = "", ...more]: string[]): Target | undefined {
    if (flag === undefined) return undefined;
    const found = readProject([flag, project, ...more], USAGE);
    if (!/^[1-9]\d*$/.test(number)) throw new CommandError(`"${number}" is no number of a request: ${USAGE}`);
    const place = placeOf(found, "posts the comment");
    return { service: found.service, pullRequest: { ...place, number: Number(number) } };
}

command(async (first, ...others) => {
    const stack = readStack(first, USAGE);
    const target = targetOf(others);
    const json = await text(process.stdin);
    const { markdown, failed } = renderPreview(stack, json, COMMENT);
    const everything = renderPreview(stack, json, EVERYTHING).markdown;
    // The job's log has what a comment has no room for.
    if (everything !== markdown) process.stderr.write(everything);
    if (target === undefined) process.stdout.write(markdown);
    else {
        const done = await posted(putComment(COMMENTS[target.service], target.pullRequest, markdown));
        const { project, number } = target.pullRequest;
        say(`preview-comment: the comment on ${project} ${number} is ${done}`);
    }
    return failed ? 2 : 0;
});
