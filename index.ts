import { readConfig } from "./stacks/config";
import { dockerHost } from "./stacks/dockerHost";

export = dockerHost(readConfig());
