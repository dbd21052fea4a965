import {
    type handleUnaryCall,
    Metadata,
    type sendUnaryData,
    Server,
    ServerCredentials,
    type ServerUnaryCall,
    status,
} from "@grpc/grpc-js";
import { PluginInfo } from "@pulumi/pulumi/proto/plugin_pb";
import { ResourceProviderService } from "@pulumi/pulumi/proto/provider_grpc_pb";
import * as proto from "@pulumi/pulumi/proto/provider_pb";
import { Status } from "@pulumi/pulumi/proto/status_pb";
import { Any } from "google-protobuf/google/protobuf/any_pb";
import { Empty } from "google-protobuf/google/protobuf/empty_pb";
import { Struct } from "google-protobuf/google/protobuf/struct_pb";
import { answer } from "./awsProvider/functions";
import { withName } from "./awsProvider/naming";
import { carryOut, HalfMade, type Operation, type Properties } from "./awsProvider/record";
import { difference } from "./awsProvider/replacements";
import { changed, made, tagsAll } from "./awsProvider/resources";

// A plugin that stands in for the AWS provider: Pulumi's engine starts it (`AwsStandIn` puts it on the PATH), and it makes
// nothing but answers. It behaves as the real one does towards the engine: names, differences, replacements, previews.

let region = "us-east-1";
let defaultTags: Properties = {};

const open = (struct: Struct | undefined): Properties => struct?.toJavaScript() ?? {};
/** Of what is undefined the protocol knows nothing. */
const close = (properties: Properties) =>
    Struct.fromJavaScript(
        JSON.parse(JSON.stringify(properties)) as Parameters<typeof Struct.fromJavaScript>[0],
    );

/** The type and the name that a URN ends with. */
function of(request: { getUrn(): string }): Pick<Operation, "type" | "name"> {
    const [, , types = "", ...name] = request.getUrn().split("::");
    return { type: types.split("$").at(-1) ?? "", name: name.join("::") };
}

function configure(request: proto.ConfigureRequest): proto.ConfigureResponse {
    const config = open(request.getArgs());
    region = config.region ?? region;
    // Objects come as JSON.
    const tags = typeof config.defaultTags === "string" ? JSON.parse(config.defaultTags) : config.defaultTags;
    defaultTags = tags?.tags ?? {};
    return new proto.ConfigureResponse().setSupportspreview(true);
}

async function check(request: proto.CheckRequest): Promise<proto.CheckResponse> {
    const { type, name } = of(request);
    const inputs = open(request.getNews());
    const { outputs } = await carryOut({ op: "check", type, name, preview: false, inputs }, () => ({
        outputs: withName(type, name, open(request.getOlds()), inputs),
    }));
    return new proto.CheckResponse().setInputs(close(outputs));
}

async function diff(request: proto.DiffRequest): Promise<proto.DiffResponse> {
    const { type, name } = of(request);
    const inputs = open(request.getNews());
    const before = { ...open(request.getOldInputs()), tagsAll: open(request.getOlds()).tagsAll };
    const found = difference(type, before, { ...inputs, ...tagsAll(type, inputs, defaultTags) });
    await carryOut({ op: "diff", type, name, preview: false, id: request.getId(), inputs }, () => ({
        outputs: { ...found },
    }));
    const { DIFF_SOME, DIFF_NONE } = proto.DiffResponse.DiffChanges;
    return new proto.DiffResponse()
        .setChanges(found.changed.length > 0 ? DIFF_SOME : DIFF_NONE)
        .setDiffsList(found.changed)
        .setReplacesList(found.replaces)
        .setDeletebeforereplace(found.deleteBeforeReplace);
}

async function create(request: proto.CreateRequest): Promise<proto.CreateResponse> {
    const { type, name } = of(request);
    const inputs = open(request.getProperties());
    const preview = request.getPreview();
    const { id, outputs } = await carryOut({ op: "create", type, name, preview, inputs }, () =>
        made(type, name, inputs, { region, tags: defaultTags, preview }),
    );
    return new proto.CreateResponse().setId(id).setProperties(close(outputs));
}

async function update(request: proto.UpdateRequest): Promise<proto.UpdateResponse> {
    const { type, name } = of(request);
    const inputs = open(request.getNews());
    const preview = request.getPreview();
    const olds = { outputs: open(request.getOlds()), oldInputs: open(request.getOldInputs()) };
    const { outputs } = await carryOut(
        { op: "update", type, name, preview, id: request.getId(), inputs },
        () => ({
            outputs: changed(type, { ...olds, inputs }, { tags: defaultTags, preview }),
        }),
    );
    return new proto.UpdateResponse().setProperties(close(outputs));
}

async function read(request: proto.ReadRequest): Promise<proto.ReadResponse> {
    const id = request.getId();
    const inputs = open(request.getProperties());
    await carryOut({ op: "read", ...of(request), preview: false, id, inputs }, () => ({}));
    return new proto.ReadResponse()
        .setId(id)
        .setProperties(request.getProperties())
        .setInputs(request.getInputs() ?? request.getProperties());
}

async function remove(request: proto.DeleteRequest): Promise<Empty> {
    const inputs = open(request.getOldInputs());
    await carryOut({ op: "delete", ...of(request), preview: false, id: request.getId(), inputs }, () => ({}));
    return new Empty();
}

async function invoke(request: proto.InvokeRequest): Promise<proto.InvokeResponse> {
    const type = request.getTok();
    const inputs = open(request.getArgs());
    const { outputs } = await carryOut({ op: "invoke", type, name: "", preview: false, inputs }, () => ({
        outputs: answer(type, inputs, region),
    }));
    return new proto.InvokeResponse().setReturn(close(outputs));
}

/** An error as the engine reads it: what was made nevertheless lies in its details. */
function failureOf(error: Error): { code: status; message: string; metadata: Metadata } {
    const metadata = new Metadata();
    if (error instanceof HalfMade) {
        const detail = new proto.ErrorResourceInitFailed()
            .setId(error.id)
            .setProperties(close(error.outputs))
            .setReasonsList([error.message]);
        const packed = new Any();
        packed.pack(detail.serializeBinary(), "pulumirpc.ErrorResourceInitFailed");
        const all = new Status().setCode(status.UNKNOWN).setMessage(error.message);
        all.addDetails(packed);
        // The name that gRPC has for the details of an error.
        metadata.add("grpc-status-details-bin", Buffer.from(all.serializeBinary()));
    }
    return { code: status.UNKNOWN, message: error.message, metadata };
}

function handler<Request, Response>(
    handle: (request: Request) => Response | Promise<Response>,
): handleUnaryCall<Request, Response> {
    return (call: ServerUnaryCall<Request, Response>, done: sendUnaryData<Response>) => {
        Promise.resolve(call.request)
            .then(handle)
            .then(
                (response) => done(null, response),
                (error: Error) => done(failureOf(error)),
            );
    };
}

const server = new Server();
server.addService(ResourceProviderService, {
    getPluginInfo: handler(() => new PluginInfo().setVersion("7.48.0")),
    checkConfig: handler((request: proto.CheckRequest) =>
        new proto.CheckResponse().setInputs(request.getNews()),
    ),
    diffConfig: handler(() => new proto.DiffResponse()),
    configure: handler(configure),
    check: handler(check),
    diff: handler(diff),
    create: handler(create),
    read: handler(read),
    update: handler(update),
    delete: handler(remove),
    invoke: handler(invoke),
    cancel: handler(() => new Empty()),
});
server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, port) => {
    if (error !== null) throw error;
    // The engine reads it from there.
    process.stdout.write(`${port}\n`);
});

// An engine that is killed does not end its plugins.
const engine = process.ppid;
setInterval(() => process.ppid === engine || process.exit(), 1000);
