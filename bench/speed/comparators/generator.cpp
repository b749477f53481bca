// The compiled load generator: as bench/speed/generator.py, which costs several times the CPU for a call.
//
// Callers each have one call under way, on a connection of their own, and the next when it is answered. One thread does
// all of it. Prints the same window as JSON.

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <iostream>
#include <map>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include <google/protobuf/struct.pb.h>
#include <google/protobuf/util/json_util.h>
#include <grpcpp/grpcpp.h>

#include "polygist/v1/translation_service.grpc.pb.h"

namespace {

using Clock = std::chrono::steady_clock;
using polygist::v1::PerformancePreference;
using polygist::v1::TranslateRequest;
using polygist::v1::TranslateResponse;
using polygist::v1::TranslationService;

// After that long a call fails, and the run with it.
constexpr auto kCallTime = std::chrono::seconds(60);

double seconds_of(Clock::duration duration) { return std::chrono::duration<double>(duration).count(); }

std::string read(const std::string& path) {
  std::ifstream file(path);
  if (!file) throw std::runtime_error(path + " cannot be read");
  return {std::istreambuf_iterator<char>(file), {}};
}

// CPU time of a process and all its threads since its start.
double cpu_seconds_of(const std::string& pid) {
  std::string stat = read("/proc/" + pid + "/stat");
  // The name, in brackets, may hold anything: the figures begin behind it.
  std::istringstream fields(stat.substr(stat.rfind(')') + 1));
  std::string skipped;
  for (int i = 0; i < 11; ++i) fields >> skipped;
  long user = 0, system = 0;
  fields >> user >> system;
  return static_cast<double>(user + system) / static_cast<double>(sysconf(_SC_CLK_TCK));
}

double own_cpu_seconds() {
  rusage used{};
  getrusage(RUSAGE_SELF, &used);
  auto total = [](const timeval& time) { return time.tv_sec + time.tv_usec / 1e6; };
  return total(used.ru_utime) + total(used.ru_stime);
}

int count_words(const std::string& text) {
  std::istringstream stream(text);
  std::string word;
  int count = 0;
  while (stream >> word) ++count;
  return count;
}

struct Prepared {
  TranslateRequest request;
  int words;
};

std::vector<Prepared> prepare(const std::map<std::string, std::string>& arguments) {
  google::protobuf::ListValue texts;
  auto status = google::protobuf::util::JsonStringToMessage(read(arguments.at("texts")), &texts);
  if (!status.ok() || texts.values().empty()) throw std::runtime_error("--texts: not a list of texts");
  PerformancePreference preference;
  if (!PerformancePreference_Parse("PERFORMANCE_PREFERENCE_" + arguments.at("preference"), &preference))
    throw std::runtime_error("--preference: unknown");
  std::vector<Prepared> prepared;
  for (const auto& value : texts.values()) {
    Prepared each;
    each.request.add_contents(value.string_value());
    each.request.set_source_language_code(arguments.at("source"));
    each.request.set_target_language_code(arguments.at("target"));
    each.request.set_performance_preference(preference);
    each.words = count_words(value.string_value());
    prepared.push_back(std::move(each));
  }
  return prepared;
}

// What one window holds; calls count with the share of them that lies within.
struct Window {
  Clock::time_point opened, closed;
  double words = 0, tokens = 0;

  void add(Clock::time_point start, Clock::time_point end, int call_words, int call_tokens) {
    auto within = std::min(end, closed) - std::max(start, opened);
    if (within <= Clock::duration::zero()) return;
    double share = seconds_of(within) / seconds_of(end - start);
    words += call_words * share;
    tokens += call_tokens * share;
  }
};

// One caller, and the call that it has under way.
struct Caller {
  std::unique_ptr<TranslationService::Stub> stub;
  std::unique_ptr<grpc::ClientContext> context;
  std::unique_ptr<grpc::ClientAsyncResponseReader<TranslateResponse>> reader;
  TranslateResponse response;
  grpc::Status status;
  Clock::time_point start;
  int words = 0;

  explicit Caller(const std::string& address) {
    grpc::ChannelArguments options;
    options.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    stub = TranslationService::NewStub(
        grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), options));
  }

  void send(const Prepared& prepared, grpc::CompletionQueue& queue) {
    start = Clock::now();
    words = prepared.words;
    context = std::make_unique<grpc::ClientContext>();
    context->set_deadline(std::chrono::system_clock::now() + kCallTime);
    reader = stub->AsyncTranslate(context.get(), prepared.request, &queue);
    reader->Finish(&response, &status, this);
  }
};

void measure(const std::map<std::string, std::string>& arguments) {
  const auto prepared = prepare(arguments);
  const double seconds = std::stod(arguments.at("seconds"));
  auto from_seconds = [](double value) { return std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(value)); };
  Window window;
  window.opened = Clock::now() + from_seconds(std::stod(arguments.at("warm-up")));
  window.closed = window.opened + from_seconds(seconds);
  grpc::CompletionQueue queue;
  std::vector<std::unique_ptr<Caller>> callers;
  std::size_t next = 0, under_way = 0;
  auto send = [&](Caller& caller) { caller.send(prepared[next++ % prepared.size()], queue); };
  for (int i = 0; i < std::stoi(arguments.at("callers")); ++i) {
    callers.push_back(std::make_unique<Caller>(arguments.at("address")));
    send(*callers.back());
    ++under_way;
  }
  double server = 0, own = 0;
  bool has_opened = false, has_closed = false;
  auto look_at_clock = [&] {
    auto now = Clock::now();
    if (!has_opened && now >= window.opened) {
      has_opened = true;
      server = cpu_seconds_of(arguments.at("pid")), own = own_cpu_seconds();
    }
    if (!has_closed && now >= window.closed) {
      has_closed = true;
      server = cpu_seconds_of(arguments.at("pid")) - server, own = own_cpu_seconds() - own;
    }
  };
  void* tag = nullptr;
  bool ok = false;
  while (under_way > 0) {
    auto until = std::chrono::system_clock::now() + std::chrono::milliseconds(10);
    auto came = queue.AsyncNext(&tag, &ok, until);
    look_at_clock();
    if (came != grpc::CompletionQueue::GOT_EVENT) continue;
    auto& caller = *static_cast<Caller*>(tag);
    if (!caller.status.ok()) throw std::runtime_error("a call failed: " + caller.status.error_message());
    auto now = Clock::now();
    window.add(caller.start, now, caller.words, caller.response.usage().output_token_count());
    if (now < window.closed) {
      send(caller);
    } else {
      --under_way;
    }
  }
  while (!has_closed) look_at_clock();
  std::cout.precision(9);
  std::cout << "{\"seconds\": " << seconds << ", \"words\": " << window.words << ", \"tokens\": " << window.tokens
            << ", \"cpu_seconds\": " << server << ", \"generator_cpu_seconds\": " << own << "}" << std::endl;
}

std::map<std::string, std::string> parse(int count, char** values) {
  std::map<std::string, std::string> arguments{{"source", ""}, {"preference", "UNSPECIFIED"}};
  for (int i = 1; i + 1 < count; i += 2) arguments[std::string(values[i]).substr(2)] = values[i + 1];
  for (const char* name : {"address", "pid", "texts", "target", "callers", "seconds", "warm-up"})
    if (!arguments.count(name)) throw std::runtime_error(std::string("--") + name + " is missing");
  return arguments;
}

}  // namespace

int main(int count, char** values) {
  try {
    measure(parse(count, values));
  } catch (const std::exception& error) {
    std::cerr << "error: " << error.what() << std::endl;
    return 1;
  }
}
