"""The messages of ge.proto that graph dumps use, as classes of the protobuf package: ModelDef."""
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

# name: {field: (number, type)}; + repeated, a type of this file by its name.
MESSAGES = {
    'ModelDef': {'name': (1, 'string'), 'version': (2, 'uint32'), 'graph': (7, '+GraphDef')},
    'GraphDef': {'name': (1, 'string'), 'input': (4, '+string'), 'output': (5, '+string'), 'op': (6, '+OpDef')},
    'OpDef': {'name': (1, 'string'), 'type': (2, 'string'), 'input': (5, '+string'), 'attr': (10, '+Attr'),
              'input_desc': (33, '+TensorDescriptor'), 'output_desc': (34, '+TensorDescriptor'), 'subgraph_name': (35, '+string')},
    'Attr': {'key': (1, 'string'), 'value': (2, 'AttrDef')},  # an entry of a map has this form
    'TensorDescriptor': {'name': (1, 'string'), 'dtype': (2, 'DataType'), 'shape': (3, 'ShapeDef'), 'layout': (4, 'string')},
    'ShapeDef': {'dim': (1, '+int64')},
    'TensorDef': {'desc': (1, 'TensorDescriptor'), 'data': (2, 'bytes')},
    'AttrDef': {'list': (1, 'ListValue'), 's': (2, 'bytes'), 'i': (3, 'int64'), 'f': (4, 'float'), 'b': (5, 'bool'), 'bt': (7, 'bytes'),
                't': (12, 'TensorDef'), 'list_list_int': (14, 'ListListInt'), 'dt': (15, 'int64')},
    'ListValue': {'s': (2, '+bytes'), 'i': (3, '+int64'), 'f': (4, '+float'), 'b': (5, '+bool'), 't': (9, '+TensorDef'),
                  'dt': (12, '+int64'), 'val_type': (20, 'ListValueType')},
    'ListListInt': {'list_list_i': (1, '+ListInt')},
    'ListInt': {'list_i': (1, '+int64')},
}
TYPES = ('DT_UNDEFINED DT_FLOAT DT_FLOAT16 DT_INT8 DT_UINT8 DT_INT16 DT_UINT16 DT_INT32 DT_INT64 DT_UINT32 DT_UINT64 DT_BOOL DT_DOUBLE '
         'DT_STRING').split()
KINDS = 'VT_LIST_NONE VT_LIST_STRING VT_LIST_INT VT_LIST_FLOAT VT_LIST_BOOL VT_LIST_BYTES VT_LIST_TENSOR_DESC VT_LIST_TENSOR'.split()
KINDS = dict({name: i for i, name in enumerate(KINDS)}, VT_LIST_DATA_TYPE=10)


def model_def():
    field_type = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(name='ge.proto', package='ge.proto', syntax='proto3')
    for name, values in (('DataType', {n: i for i, n in enumerate(TYPES)}), ('ListValueType', KINDS)):
        enum = file.enum_type.add(name=name)
        for value, number in values.items():
            enum.value.add(name=value, number=number)
    for name, fields in MESSAGES.items():
        message = file.message_type.add(name=name)
        for field, (number, kind) in fields.items():
            added = message.field.add(name=field, number=number)
            added.label = field_type.LABEL_REPEATED if kind[0] == '+' else field_type.LABEL_OPTIONAL
            kind = kind.lstrip('+')
            if kind in MESSAGES:
                added.type, added.type_name = field_type.TYPE_MESSAGE, '.ge.proto.' + kind
            elif kind in ('DataType', 'ListValueType'):
                added.type, added.type_name = field_type.TYPE_ENUM, '.ge.proto.' + kind
            else:
                added.type = getattr(field_type, 'TYPE_' + kind.upper())
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName('ge.proto.ModelDef'))
