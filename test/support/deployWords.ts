type Request = Record<string, any>;

/** What deploys say to hosts, for `FakeAws`: each host has a stream for it beside its own. */
export class DeployWords {
    /** Each word, behind the host that it was said to. */
    told: [host: string, word: string][] = [];

    /** @param hear runs at each word */
    constructor(private readonly hear: (word: string) => void = () => {}) {}

    /** The answers of CloudWatch, where `said` answers what a host says. */
    answers(said: (request: Request) => object) {
        return {
            GetLogEvents: (request: Request) => {
                const host = /^(.*)-deploy$/.exec(request.logStreamName as string)?.[1];
                if (host === undefined) return said(request);
                const words = this.told.filter(([name]) => name === host);
                const events = words.map(([, message], index) => ({ message, timestamp: index + 1 }));
                return { events: request.nextToken === undefined ? events : [], nextForwardToken: "f/1" };
            },
            PutLogEvents: ({ logStreamName, logEvents }: Request) => {
                for (const { message } of logEvents as { message: string }[]) {
                    this.told.push([(logStreamName as string).replace(/-deploy$/, ""), message]);
                    this.hear(message);
                }
                return {};
            },
        };
    }
}
