// Summarises and translates an article. The messages come from the .proto files: nothing is generated.
//
//     node article.js ../article.txt [HOST:PORT]

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import grpc from "@grpc/grpc-js";
import protoLoader from "@grpc/proto-loader";

const [file = "../article.txt", address = process.env.POLYGIST_ADDRESS ?? "localhost:50051"] = process.argv.slice(2);

const definition = protoLoader.loadSync(
  ["polygist/v1/translation_service.proto", "polygist/v1/summarisation_service.proto"],
  { includeDirs: [fileURLToPath(new URL("../../protos", import.meta.url))], enums: String, longs: Number, defaults: true },
);
const { TranslationService, SummarisationService } = grpc.loadPackageDefinition(definition).polygist.v1;

// A call without a deadline waits for ever where a server hangs.
function call(client, method, request, seconds = 60) {
  const deadline = new Date(Date.now() + seconds * 1000);
  return promisify(client[method]).call(client, request, { deadline });
}

const credentials = grpc.credentials.createInsecure();
const translator = new TranslationService(address, credentials);
const summariser = new SummarisationService(address, credentials);

try {
  const article = readFileSync(file, "utf8");
  const { summaries } = await call(summariser, "summarise", { contents: [article], maxSentenceCount: 2 });
  console.log(summaries[0].text);

  const request = { contents: [summaries[0].text], targetLanguageCode: "pt" };
  const { translations } = await call(translator, "translate", request);
  console.log(translations[0].translatedText);
} catch (error) {
  // A code of grpc.status, and a sentence that says what to do.
  console.error(`error: ${grpc.status[error.code] ?? error.name}: ${error.details ?? error.message}`);
  process.exitCode = 1;
} finally {
  translator.close();
  summariser.close();
}
