import { EDGE_NAME } from "../../components/dockerHost/edgeName";
import { type PlaceSettings, readPlace } from "./placeSettings";
import { set, type SettingsReader } from "./settingsReader";

/** The settings of the target `edge`, which has no app. */
export interface EdgeSettings extends PlaceSettings {
    readonly target: "edge";
    readonly httpsPort: number;
    readonly routerImage: string;
}

/** Reads and checks the settings of the target `edge`. */
export function readEdge(settings: SettingsReader): EdgeSettings {
    return {
        target: "edge",
        ...readPlace(settings, true),
        httpsPort: settings.whole("httpsPort", 1, 65535, 443),
        routerImage: settings.image("routerImage"),
    };
}

/** Name of the edge in front of the stack's router; undefined where that has ports of its own. */
export function readEdgeName(settings: SettingsReader, domain: string): string | undefined {
    const rule = "must be the name of a stack with the target edge";
    const edge = settings.optionalMatching("edge", EDGE_NAME, rule, "edge");
    if (edge !== undefined && domain.toLowerCase() === "localhost") {
        const wanted = "must be the name by which visitors know the app, where there is an edge";
        settings.refuse("domain", wanted, domain, set("domain", "www.example.com"));
    }
    return edge;
}
