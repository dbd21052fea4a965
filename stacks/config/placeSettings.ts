import * as net from "node:net";
import { set, type SettingsReader } from "./settingsReader";

/** The settings that say which Docker host it is, and where visitors arrive there in the clear. */
export interface PlaceSettings {
    readonly host?: string;
    readonly publicPort: number;
    readonly bindAddress: string;
}

/**
 * Reads and checks them.
 *
 * @param isPublic whether they are for all visitors, at the port that browsers know, where nothing else is set
 */
export function readPlace(settings: SettingsReader, isPublic: boolean): PlaceSettings {
    const host = settings.optionalMatching(
        "host",
        /^(unix:\/\/\/\S+|ssh:\/\/[^\s/]+(\/\S*)?)$/,
        "must be unix:///path or ssh://user@host",
        "ssh://deploy@server.example",
    );
    const standard = isPublic ? { address: "0.0.0.0", port: 80 } : { address: "127.0.0.1", port: 8080 };
    const bindAddress = settings.optional("bindAddress") ?? standard.address;
    if (net.isIP(bindAddress) === 0) {
        settings.refuse("bindAddress", "must be an IP address", bindAddress, set("bindAddress", "0.0.0.0"));
    }
    const publicPort = settings.whole("publicPort", 0, 65535, standard.port) || standard.port;
    return { host, bindAddress, publicPort };
}
