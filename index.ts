import { readConfig } from "./stacks/config";
import { dockerHost } from "./stacks/dockerHost";
import { lastReleases } from "./stacks/outputs";

export = async () => dockerHost(readConfig(), await lastReleases());
