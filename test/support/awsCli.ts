import { fromPypi } from "./pypi";

/** AWS's command line as PyPI has it. Its version 2, which hosts have, is not there; the calls of a host are the same in both. */
const VERSION = "1.46.3";

/** Path of AWS's command line; throws with the reason where it cannot be had. */
export function awsCli(): Promise<string> {
    return fromPypi("awscli", `awscli==${VERSION}`, "aws");
}
