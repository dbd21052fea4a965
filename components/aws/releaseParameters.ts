import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";

export interface ReleaseParametersArgs {
    /** Path of the parameters, such as `/decanter/prod/hello`. */
    path: string;
    /** Names of the secret environment variables, one or more; names are no secret. */
    names: string[];
    /** The secret environment variables, by name. */
    values: pulumi.Output<Record<string, string>>;
}

/** The secrets of a release in AWS's Parameter Store: one encrypted parameter for each environment variable. */
export class ReleaseParameters extends pulumi.ComponentResource {
    public readonly path: string;
    /** ARNs of the parameters, by the name of the variable. */
    public readonly arns: Record<string, pulumi.Output<string>>;
    /** ARN of all parameters under the path: a role that may read them can start a release again that knew others. */
    public readonly pathArn: pulumi.Output<string>;
    /** Another one whenever a value has changed: what runs a release has to be made anew then, as AWS reads secrets only at its start. */
    public readonly version: pulumi.Output<string>;

    constructor(name: string, args: ReleaseParametersArgs, opts?: pulumi.ComponentResourceOptions) {
        super("decanter:index:ReleaseParameters", name, {}, opts);

        const { path, names, values } = args;
        this.path = path;
        const parameters = [...names].sort().map((variable) => {
            const parameter = new aws.ssm.Parameter(
                `${name}-${variable}`,
                {
                    name: `${path}/${variable}`,
                    type: "SecureString",
                    // Above 4 KiB, as a certificate may be, AWS wants a parameter that costs; below it is free.
                    tier: "Intelligent-Tiering",
                    value: values.apply((all) => all[variable] ?? ""),
                },
                // In a different region the old ones are read until the new ones serve.
                { parent: this, deleteBeforeReplace: false },
            );
            return { variable, parameter };
        });
        this.arns = Object.fromEntries(
            parameters.map(({ variable, parameter }) => [variable, parameter.arn]),
        );
        const [first] = parameters;
        if (first === undefined) throw new Error(`no secret is to be under ${path}: name one at least`);
        this.pathArn = first.parameter.arn.apply((arn) => arn.replace(/[^/]*$/, "*"));
        this.version = pulumi
            .all(parameters.map(({ parameter }) => parameter.version))
            .apply((versions) => versions.join("."));
        this.registerOutputs({ arns: this.arns, pathArn: this.pathArn, version: this.version });
    }
}
