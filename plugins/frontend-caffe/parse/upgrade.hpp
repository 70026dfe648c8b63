// SPDX-License-Identifier: Apache-2.0
// upgrade.hpp - older forms of layers, and small helpers to write messages.
#pragma once
#include "net.hpp"

namespace tenon::caffe {

Message new_message(std::string_view type);
/// Schema of a field of m, which must have it.
const FieldDef* field_of(const Message& m, std::string_view name);
void set_text(Message& m, std::string_view name, std::string value);
/// The message in a field, made where it is missing.
Message& sub_message(Message& m, std::string_view name);

/// Layers of type V1LayerParameter, or with a V0LayerParameter inside, appended in the newest form.
void upgrade_layers(const File& file, std::vector<Message> from, std::vector<LayerProto>* to);

}  // namespace tenon::caffe
